package node

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// The kinds of what is set aside, and how its id begins.
const (
	poisonEvent   = "event"   // of an order: kept until a strategy has dealt with it
	poisonMessage = "message" // market data: kept to be looked at
)

// PoisonAnswer is what was set aside because incarnations of an actor had ended of it.
type PoisonAnswer struct {
	Schema string      `json:"schema"`
	Items  []poisonRow `json:"items"`
}

type poisonRow struct {
	ID       string         `json:"id"`
	Kind     string         `json:"kind"`
	State    string         `json:"state"` // aside, or released and not dealt with yet
	Path     string         `json:"path"`  // of the actor, in the tree
	Strategy string         `json:"strategy"`
	Account  market.Account `json:"account"`
	At       string         `json:"at"`
	What     string         `json:"what"`
	Order    string         `json:"order"` // of an event
	Exec     string         `json:"exec"`  // of a fill, a bust, a correction
	Shuts    bool           `json:"shuts"` // its account is CLOSED until it is dealt with
}

// Poison lists it, by strategy and age.
func (f *Face) Poison() any {
	out := PoisonAnswer{Schema: "failshut.poison/1", Items: []poisonRow{}}
	parked := f.n.sys.Quarantine()
	for i := range f.n.plan.Strategies {
		s := &f.n.plan.Strategies[i]
		to := strategyName(s.Name)
		for _, x := range f.n.untold[s.Name].kept() {
			state := "aside"
			if !x.aside {
				state = "released"
			}
			out.Items = append(out.Items, poisonRow{
				ID: poisonID(poisonEvent, x.id), Kind: poisonEvent, State: state, Path: string(to), Strategy: s.Name, Account: s.Account, At: x.since(),
				What: x.Event.Kind.String(), Order: string(x.Event.Order), Exec: x.Event.Exec, Shuts: x.trade(),
			})
		}
		for _, p := range parked {
			if p.Name != to {
				continue
			}
			out.Items = append(out.Items, poisonRow{
				ID: poisonID(poisonMessage, p.ID), Kind: poisonMessage, State: "aside", Path: string(to), Strategy: s.Name, Account: s.Account,
				At: market.StampOf(f.n.sys.TimeOf(p.At)).String(), What: fmt.Sprintf("market data %016x", p.Fingerprint),
			})
		}
	}
	return out
}

// PoisonEnded says what became of it.
type PoisonEnded struct {
	Schema string `json:"schema"`
	ID     string `json:"id"`
	State  string `json:"state"`
}

// visitAside counts it, for each account.
func (n *Node) visitAside(visit func(account, kind string, count int)) {
	parked := n.sys.Quarantine()
	for _, a := range n.accounts {
		events, messages := 0, 0
		for i := range n.plan.Strategies {
			s := &n.plan.Strategies[i]
			if s.Account != a.plan.Account {
				continue
			}
			events += len(n.untold[s.Name].kept())
			for _, p := range parked {
				if p.Name == strategyName(s.Name) {
					messages++
				}
			}
		}
		visit(string(a.plan.Account), poisonEvent, events)
		visit(string(a.plan.Account), poisonMessage, messages)
	}
}

// Release tells an event to its strategy after all: to the incarnation that is up, else to the next. What it shuts stays shut until
// one has dealt with it, and then until a reset.
func (f *Face) Release(r control.PoisonRequest) (any, error) {
	kind, id, err := parsePoison(r.ID)
	if err != nil {
		return nil, err
	}
	if kind == poisonMessage {
		if !f.parked(id) {
			return nil, noPoison(r.ID)
		}
		return nil, control.Precondition("precondition", "%s is market data, which is not told late: discard it", r.ID)
	}
	for name, u := range f.n.untold {
		x, found := u.release(id)
		if !found {
			continue
		}
		f.n.log.Warn("an event that was set aside is told again", "event", "release", "strategy", name, "id", r.ID, "by", by(r.Who, r.By), "reason", r.Reason)
		f.n.tellAgain(name, x.Untold)
		return PoisonEnded{"failshut.poison.ended/1", r.ID, "released"}, nil
	}
	return nil, noPoison(r.ID)
}

// Discard forgets what no position lacks: market data, and events that are no executions.
func (f *Face) Discard(r control.PoisonRequest) (any, error) {
	kind, id, err := parsePoison(r.ID)
	if err != nil {
		return nil, err
	}
	if err := f.discard(kind, id, r.ID); err != nil {
		return nil, err
	}
	f.n.log.Warn("what was set aside is discarded", "event", "discard", "id", r.ID, "by", by(r.Who, r.By), "reason", r.Reason)
	return PoisonEnded{"failshut.poison.ended/1", r.ID, "discarded"}, nil
}

func (f *Face) discard(kind string, id uint64, text string) error {
	if kind == poisonMessage {
		if f.n.sys.Discard(id) != nil {
			return noPoison(text)
		}
		return nil
	}
	for _, u := range f.n.untold {
		switch found, discarded := u.discard(id); {
		case discarded:
			return nil
		case found:
			return control.Precondition("precondition", "%s is of an execution, which is evidence: it can be released, and leaves when a strategy has dealt with it", text)
		}
	}
	return noPoison(text)
}

func (f *Face) parked(id uint64) bool {
	return slices.ContainsFunc(f.n.sys.Quarantine(), func(p actors.Parked) bool { return p.ID == id })
}

// tellAgain tells an event that was released. Who is down, or does not take it, is told it by the state of the next incarnation.
func (n *Node) tellAgain(name string, u strategy.Untold) {
	switch err := actors.Follow[strategy.Message](n.sys, strategyName(name)).Tell(strategy.Again(u)); {
	case errors.Is(err, actors.ErrFull):
		n.lostEvent(name, err)
	case err != nil:
		n.log.Warn("an event that was released waits for the next incarnation", "event", "release", "strategy", name, "err", err)
	}
}

func poisonID(kind string, id uint64) string { return kind + "-" + strconv.FormatUint(id, 10) }

func parsePoison(text string) (kind string, id uint64, err error) {
	kind, digits, _ := strings.Cut(text, "-")
	id, failed := strconv.ParseUint(digits, 10, 64)
	if failed != nil || kind != poisonEvent && kind != poisonMessage || poisonID(kind, id) != text {
		return "", 0, &control.Problem{
			Status: http.StatusBadRequest, Code: "usage", Exit: 2,
			Message: fmt.Sprintf("id is %.64q, want one of /api/v1/poison: event- or message- and a number", text),
		}
	}
	return kind, id, nil
}

func noPoison(id string) error {
	return &control.Problem{
		Status: http.StatusNotFound, Code: "usage", Exit: 2, Message: fmt.Sprintf("nothing is set aside under %q, want an id of /api/v1/poison", id),
	}
}
