package risk

import (
	"context"
	"fmt"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/supervision"
)

// HolderName is the name of the holder's child below the supervisor of risk.
const HolderName = "holder"

// HolderOptions is what each incarnation of the holder is made with.
type HolderOptions struct {
	// Log returns the log to propose to, with its snapshot restored into the desk's Machine: that is what makes the holder ready. It
	// is asked at each start, since a cluster that restarts has another. Its error fails the start.
	Log func() (Log, error)
	// Build is recorded in the log.
	Build string
	// Boot reads the clock that counts suspended time, in nanoseconds, once a renewal; nil where there is none, and in virtual time.
	Boot func() int64
}

// StartHolder returns what starts the holder of a desk as a child of class supervision.RiskClass. It is ready, with the evidence
// caught_up, as soon as it stands on a restored replica: no leader is needed, and nothing is open yet.
func StartHolder(d *Desk, o HolderOptions) supervision.StartFunc {
	return func(_ context.Context, b *supervision.Birth) error {
		if o.Log == nil {
			return fmt.Errorf("%w: holder without log", ErrInvalid)
		}
		log, err := o.Log()
		if err != nil {
			return fmt.Errorf("log of the holder: %w", err)
		}
		a, err := NewActor(b.System(), NewHolder(d, log, o.Build), o.Boot)
		if err != nil {
			return err
		}
		ref, err := supervision.Spawn[Message](b, a, actors.WithBox(HolderBox()), actors.WithLane(LaneOf))
		if err != nil {
			return err
		}
		b.Run(func(ctx context.Context, out actors.Outside) error { return a.Propose(ctx, out, ref) })
		supervision.WhenUp[Message](b, Wake{}) // what the desk was told while the mailbox was shut
		return b.Ready(supervision.CaughtUp)
	}
}

// Spec returns the supervisor of risk: rest_for_one, the holder as its child. Gates are no children; each belongs to its account's
// orders actor. Intensity, backoff and deadlines are the defaults, for the caller to change.
func Spec(d *Desk, o HolderOptions) supervision.Spec {
	holder := supervision.DefaultChild(HolderName, StartHolder(d, o))
	holder.Class = supervision.RiskClass
	s := supervision.DefaultSpec("risk", holder)
	s.Strategy = supervision.RestForOne
	return s
}

// LaneOf says where a message waits for the holder: what shuts and what keeps a permission alive first, then what the log answered,
// then what persons ask for, then the notes that there is something to look at.
func LaneOf(m Message) mailbox.Lane {
	switch m.(type) {
	case Stop, Tripped, Journal, Session, Leading, Renew, Tick:
		return mailbox.Control
	case Reconciled, proposed:
		return mailbox.Reports
	case Reset, SetLimit, Allow:
		return mailbox.Commands
	case Wake:
		return mailbox.Data
	}
	return mailbox.Data
}

// HolderBox bounds the holder's mailbox. Who brings the log's answers may wait for room; everybody else is refused.
func HolderBox() mailbox.Config {
	return mailbox.Config{Class: "risk", Lanes: [4]mailbox.LaneConfig{
		{Cap: 1024, Policy: mailbox.Reject},
		{Cap: proposalsBound, Policy: mailbox.Block},
		{Cap: 256, Policy: mailbox.Reject},
		{Cap: 64, Policy: mailbox.Reject},
	}}
}
