package risk

import "github.com/failshut/failshut/market"

// Message is what the holder actor of a node receives: a closed set of values.
type Message interface{ riskMessage() }

// JournalState says whether the journal can keep evidence. The zero value is unknown, which shuts.
type JournalState uint8

// The states of the journal.
const (
	JournalUnknown JournalState = iota
	JournalOK
	JournalDead    // a write failed: no evidence can be kept until the node restarts
	JournalCorrupt // a record in the middle does not read
)

// Stall is for how long the commit under way has not come back from the disk.
type Stall uint8

// The stalls.
const (
	StallNone  Stall = iota
	StallSlow        // longer than it should: nothing new may rest on it, working orders stay
	StallStuck       // so long that it may never: live orders are withdrawn
)

// Journal tells how the journal is. Group and Epoch are the journal's durable identity, made at open; JournalOK without them is
// ignored, because an incarnation is bound to them. Full says that free space is below the floor: what is under way can still be
// evidenced, so the node stays bound and posts its facts, but its gates are CLOSED until there is room again. Stall shuts for as long
// as it lasts, the node stays bound too: a disk that hangs is none that failed.
type Journal struct {
	State JournalState
	Full  bool
	Stall Stall
	Group string
	Epoch uint32
}

// Session tells that the ordered session of an account with its venue came up (the logon was answered, which proves that every
// earlier holder of the session has lost it) or went down.
type Session struct {
	Account market.Account
	Up      bool
}

// Reconciled tells that the venue's answers were compared with the account's journal, after the session came up. Unknown counts the
// orders still of unknown state; Differences names what the journal cannot explain. With both empty the account may open; once it has, a
// difference shuts it again, and an order of unknown state shuts its instrument alone (max_unknown_orders).
type Reconciled struct {
	Account     market.Account
	Epoch       uint32 // of the journal that was compared
	Digest      uint64 // of the order machine's state, for the log
	Unknown     int
	Differences []string
}

// Tripped tells the holder that a latch was set in this process, so that the log learns of it. Desk.Trip posts it; nothing waits
// for it.
type Tripped struct{ ID string }

// Reset asks to clear the latches named. Done is called once with the outcome, in the holder's turn: it must not block. A holder
// that is killed or left behind does not call it, so whoever waits needs a deadline.
type Reset struct {
	Request ResetRequest
	Done    func(ResetResult)
}

// SetLimit asks for a new value of one measure. Done is called as that of a Reset.
type SetLimit struct {
	Request LimitRequest
	Done    func(LimitResult)
}

// Allow is the operator's consent to open a scope that answers NEEDS_OPERATOR. It opens nothing by itself.
type Allow struct {
	Scope  Scope
	By     string
	Reason string
}

// Wake tells the holder that something changed that it may act on: an entry was applied, a gate runs short, a restore is done.
type Wake struct{}

// Renew is the holder's own timer.
type Renew struct{}

// Leading tells whether this node leads the cluster, so that the leader-only duties start or stop.
type Leading struct {
	Term uint64
	Yes  bool
}

// Stop shuts the node for an orderly end: CLOSED without a latch. Nothing opens it again in this process.
type Stop struct{}

func (Journal) riskMessage()    {}
func (Session) riskMessage()    {}
func (Reconciled) riskMessage() {}
func (Tripped) riskMessage()    {}
func (Reset) riskMessage()      {}
func (SetLimit) riskMessage()   {}
func (Allow) riskMessage()      {}
func (Wake) riskMessage()       {}
func (Renew) riskMessage()      {}
func (Leading) riskMessage()    {}
func (Stop) riskMessage()       {}
