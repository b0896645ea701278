package risk

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/failshut/failshut/market"
)

// Proposal is one command for the log. Whoever proposes it hands the outcome back to the holder as the message that Done makes.
type Proposal struct {
	Command []byte
	key     string
}

// Done returns the message that tells the holder how proposing went; err is what Log.Propose returned.
func (p Proposal) Done(index uint64, err error) Message { return proposed{p.key, index, err} }

type proposed struct {
	key   string
	index uint64
	err   error
}

func (proposed) riskMessage() {}

// propose sends a command unless one under the same key is under way, or failed a moment ago.
func (h *Holder) propose(key string, c body) bool {
	if h.busy[key] {
		return false
	}
	if until, ok := h.failed[key]; ok {
		if h.now.Mono < until {
			h.at(until)
			return false
		}
		delete(h.failed, key)
	}
	b, err := encodeCommand(header{h.desk.cfg.Node, key, h.now.Wall}, c)
	if err != nil {
		if h.desk.events.Refused != nil {
			h.desk.events.Refused(key, err.Error())
		}
		return false
	}
	h.send(key, b)
	return true
}

func (h *Holder) send(key string, b []byte) {
	h.busy[key] = true
	delete(h.desk.machine.answers, key)
	h.out = append(h.out, Proposal{b, key})
}

// lost takes back a proposal that found no room: it is not in the log.
func (h *Holder) lost(p Proposal) {
	delete(h.busy, p.key)
	if done := h.waiting[p.key]; done != nil {
		delete(h.waiting, p.key)
		done(answer{}, ErrNotAppended)
		return
	}
	h.unsent(proposed{key: p.key, err: ErrNotAppended})
}

// proposed takes the outcome of a proposal. An error changes nothing here: what the replica does not show is proposed again, after a
// moment.
func (h *Holder) proposed(m proposed) {
	delete(h.busy, m.key)
	done := h.waiting[m.key]
	delete(h.waiting, m.key)
	a, known := h.desk.machine.answers[m.key]
	if known && a.res != resOK && h.desk.events.Refused != nil {
		h.desk.events.Refused(m.key, a.res.String())
	}
	if known && m.key == "hello" && a.res == resStaleIncarnation {
		h.rejected = true
	}
	if done == nil {
		h.unsent(m)
		if (m.err != nil || !known) && m.key != "sync" { // which keeps an interval of its own
			// A log without a leader answers at once, and what is committed may be applied here later: neither is asked without end.
			h.failed[m.key] = h.now.Mono + max(int64(h.desk.cfg.Escrow.Urgent), int64(time.Millisecond))
		}
		return
	}
	if !known && m.err == nil { // committed, and not yet applied here
		h.waiting[m.key] = done
		return
	}
	done(a, m.err)
}

// answerWaiting answers those whose command was committed before this replica had applied it.
func (h *Holder) answerWaiting() {
	for _, key := range slices.Sorted(maps.Keys(h.waiting)) {
		if a, known := h.desk.machine.answers[key]; known && !h.busy[key] {
			done := h.waiting[key]
			delete(h.waiting, key)
			done(a, nil)
		}
	}
}

// unsent has a report that the log did not take be proposed again: whether it was decides nothing but whether it is repeated.
func (h *Holder) unsent(m proposed) {
	name, ok := strings.CutPrefix(m.key, "reconcile/")
	if s := h.sessions[market.Account(name)]; ok && m.err != nil && s != nil {
		s.sent = false
	}
}
