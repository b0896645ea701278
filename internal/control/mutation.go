package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// mutation is a change under way: who asks for it, with what, and the place that it takes.
type mutation struct {
	id    identity
	body  []byte
	place *place
	what  string // that the path names
}

// change is one kind of mutation. It answers, or errs and has then changed nothing, a Problem that says otherwise excepted.
type change func(ctx context.Context, m mutation) (status int, answer any, err error)

// mutate checks identity, origin, key and body before anything is changed, and answers a repeated key as the first time.
// Whoever asks may go away: the change goes on, as long as the server does, so that the repeat finds its answer.
func (s *Server) mutate(may func(identity) bool, do change) placed { return s.demand(may, do, s.once) }

// inquire is mutate for what changes nothing: a repeat is asked anew, and no answer is kept.
func (s *Server) inquire(may func(identity) bool, do change) placed { return s.demand(may, do, s.anew) }

// carried is a way to carry a change out under its key: once and for all, or each time.
type carried func(ctx context.Context, key string, m mutation, do change) (int, []byte, *Problem)

func (s *Server) demand(may func(identity) bool, do change, by carried) placed {
	return func(w http.ResponseWriter, r *http.Request, p *place) {
		id, problem := s.mutator(r, may)
		if problem != nil {
			s.refuse(w, r, id, nil, problem)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(body) > maxBody {
			s.refuse(w, r, id, nil, usage("the body is unreadable or longer than %d bytes", maxBody))
			return
		}
		key := r.Header.Get("Idempotency-Key")
		if key == "" || len(key) > maxKey {
			s.refuse(w, r, id, body, usage("the header Idempotency-Key is missing or longer than %d bytes", maxKey))
			return
		}
		ctx, cancel := lasting(r)
		defer cancel()
		full := strings.Join([]string{id.name, r.Method, r.URL.Path, key}, "\x00")
		status, answer, problem := by(ctx, full, mutation{id, body, p, r.PathValue("id")}, do)
		if problem != nil {
			s.refuse(w, r, id, body, problem)
			return
		}
		s.audit(r, id, body, status, "")
		s.write(w, status, json.RawMessage(answer))
	}
}

func (s *Server) mutator(r *http.Request, may func(identity) bool) (identity, *Problem) {
	id, problem := s.who(r)
	if problem == nil && !may(id) {
		problem = forbidden(http.StatusForbidden, "%s has none of the roles for this", id.name)
	}
	if problem == nil {
		problem = sameOrigin(r)
	}
	return id, problem
}

func (s *Server) once(ctx context.Context, key string, m mutation, do change) (int, []byte, *Problem) {
	status, answer, fresh, problem := s.repeats.begin(s.cfg.Now(), key, m.body)
	if problem != nil || !fresh {
		return status, answer, problem
	}
	kept := false
	defer func() {
		if !kept { // a panic among it
			s.repeats.forget(key)
		}
	}()
	status, answer, problem = s.anew(ctx, key, m, do)
	if problem != nil {
		return 0, nil, problem
	}
	s.repeats.finish(key, status, answer)
	kept = true
	return status, answer, nil
}

func (s *Server) anew(ctx context.Context, _ string, m mutation, do change) (int, []byte, *Problem) {
	status, v, err := do(ctx, m)
	if err != nil {
		if p, ok := errors.AsType[*Problem](err); ok {
			return 0, nil, p
		}
		return 0, nil, &Problem{http.StatusInternalServerError, "failure", err.Error(), 1}
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return 0, nil, &Problem{http.StatusInternalServerError, "failure", err.Error(), 1}
	}
	return status, encoded, nil
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, id identity, body []byte, p *Problem) {
	s.audit(r, id, body, p.Status, p.Code)
	s.fail(w, p)
}

// audit leaves one line for each mutation asked for, those refused among them.
func (s *Server) audit(r *http.Request, id identity, body []byte, status int, code string) {
	var free struct {
		By string `json:"by"`
	}
	_ = json.Unmarshal(body, &free) // what is no request has no by
	sum := sha256.Sum256(body)
	s.cfg.Log.Warn("control", "event", "audit", "who", id.name, "roles", id.roles, "by", free.By[:min(len(free.By), maxKey)],
		"remote", r.RemoteAddr, "path", r.URL.Path, "body_sha256", hex.EncodeToString(sum[:]), "status", status, "code", code)
}

func strict(body []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return usage("the body is no request: %v", err)
	}
	if d.More() {
		return usage("the body holds more than one request")
	}
	return nil
}

func (s *Server) trip(ctx context.Context, m mutation) (int, any, error) {
	var r TripRequest
	if err := strict(m.body, &r); err != nil {
		return 0, nil, err
	}
	r.Who = m.id.name
	if strings.TrimSpace(r.Reason) == "" {
		return 0, nil, usage("a trip needs a reason")
	}
	confirm, err := s.node.Trip(r)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := s.patience(ctx, m.place, r.WaitMS)
	defer cancel()
	answer, confirmed := confirm(ctx)
	if confirmed {
		return http.StatusOK, answer, nil
	}
	return http.StatusMultiStatus, answer, nil
}

// patience is how long a trip's answer may wait for its confirmation. The latch is set: a trip that waits gives its place
// to the next one, and where too many wait already it is answered at once.
func (s *Server) patience(ctx context.Context, p *place, ms int64) (context.Context, context.CancelFunc) {
	if !p.move(s.waiting) {
		ms = 0
	}
	return context.WithTimeout(ctx, min(time.Duration(max(ms, 0))*time.Millisecond, LongestWait))
}

func (s *Server) reset(ctx context.Context, m mutation) (int, any, error) {
	var r ResetRequest
	if err := strict(m.body, &r); err != nil {
		return 0, nil, err
	}
	r.Who = m.id.name
	if strings.TrimSpace(r.Reason) == "" {
		return 0, nil, Precondition("NO_REASON", "a reset needs a reason: it is the evidence")
	}
	ctx, cancel := context.WithTimeout(ctx, resetWait)
	defer cancel()
	answer, err := s.node.Reset(ctx, r)
	return http.StatusOK, answer, err
}

// resolve takes an operator's word about an order.
func (s *Server) resolve(ctx context.Context, m mutation) (int, any, error) {
	var r ResolveRequest
	if err := strict(m.body, &r); err != nil {
		return 0, nil, err
	}
	r.ID, r.Who = m.what, m.id.name
	if strings.TrimSpace(r.Reason) == "" {
		return 0, nil, Precondition("NO_REASON", "a word about an order needs a reason: it is the evidence")
	}
	ctx, cancel := context.WithTimeout(ctx, resetWait)
	defer cancel()
	answer, err := s.node.Resolve(ctx, r)
	return http.StatusOK, answer, err
}

// accept takes an operator's signature for a difference.
func (s *Server) accept(ctx context.Context, m mutation) (int, any, error) {
	var r DifferenceRequest
	if err := strict(m.body, &r); err != nil {
		return 0, nil, err
	}
	number, err := strconv.ParseUint(m.what, 10, 64)
	if err != nil || number == 0 {
		return 0, nil, usage("the difference is %q, want its number", m.what)
	}
	r.Number, r.Who = number, m.id.name
	if strings.TrimSpace(r.Reason) == "" {
		return 0, nil, Precondition("NO_REASON", "a signature for a difference needs a reason: it is the evidence")
	}
	ctx, cancel := context.WithTimeout(ctx, resetWait)
	defer cancel()
	answer, err := s.node.Accept(ctx, r)
	return http.StatusOK, answer, err
}

// poison asks for an end of what was set aside.
func (s *Server) poison(do func(PoisonRequest) (any, error)) change {
	return func(_ context.Context, m mutation) (int, any, error) {
		var r PoisonRequest
		if err := strict(m.body, &r); err != nil {
			return 0, nil, err
		}
		r.ID, r.Who = m.what, m.id.name
		if strings.TrimSpace(r.Reason) == "" {
			return 0, nil, Precondition("NO_REASON", "the end of a quarantine needs a reason: it is the evidence")
		}
		answer, err := do(r)
		return http.StatusOK, answer, err
	}
}

// dump changes nothing. It is asked for as a change is because what actors were told last is more than a viewer may see, so
// it is audited; and its answer is long, so none is remembered.
func (s *Server) dump(_ context.Context, m mutation) (int, any, error) {
	var r DumpRequest
	if err := strict(m.body, &r); err != nil {
		return 0, nil, err
	}
	answer, err := s.node.Dump(r.Path)
	return http.StatusOK, answer, err
}
