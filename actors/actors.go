// Package actors gives typed addresses, handlers, timers and work outside handlers over a Clock and a
// Dispatch. A Tell is answered at once by the receiver's own mailbox; a panic, an error, a Goexit or a hang at
// any message has one defined end, told once. It keeps promise P8 for one actor, and P9 for a whole system of
// them: on the virtual clock and the deterministic dispatch the same input gives the same order of events.
//
// It is the only package that reads a clock. It never decides who is started again (package supervision does),
// never resumes a handler that failed, and shows no type of the engine below it.
package actors

import (
	"errors"

	"github.com/failshut/failshut/mailbox"
)

// Name is the path of an actor in the tree, unique among the living of a System.
type Name string

// Epoch numbers the incarnations of one Name: 1, 2, 3 …, never reused. 0 is none. Where a System has forgotten names, see
// System.Boxes, those that are new begin behind the greatest epoch of a forgotten one, unless whoever begins them counts
// himself, as supervisors do.
type Epoch uint64

// Class labels actors in metrics: a bounded set of words, never the name of one actor.
type Class string

// Reason says why a part of an incarnation ended: one of the constants, or the word of an error made by
// ExitWith.
type Reason string

// The reasons that this package gives.
const (
	ReasonNormal    Reason = "normal"    // it ended by itself: nil from a Run function, ErrDone from a handler
	ReasonShutdown  Reason = "shutdown"  // it was asked to stop and did
	ReasonError     Reason = "error"     // it returned an error
	ReasonCrash     Reason = "crash"     // it panicked
	ReasonGoexit    Reason = "goexit"    // it called runtime.Goexit, as t.FailNow does
	ReasonHung      Reason = "hung"      // its watchdog ran out, it was abandoned
	ReasonKilled    Reason = "killed"    // it was killed
	ReasonAbandoned Reason = "abandoned" // it was left behind and ended late
)

// Abnormal says whether a supervisor should see a failure in r.
func (r Reason) Abnormal() bool { return r != ReasonNormal && r != ReasonShutdown }

// Answers of Tell. ErrFull, ErrSuspended, ErrClosed and ErrGapped are those of package mailbox.
var (
	// ErrFull says that the lane of the message holds as many as its bound allows.
	ErrFull = mailbox.ErrFull
	// ErrSuspended says that the receiver is starting, or is to be started again.
	ErrSuspended = mailbox.ErrSuspended
	// ErrClosed says that the receiver is stopping.
	ErrClosed = mailbox.ErrClosed
	// ErrGapped says that the receiver's mailbox conflates and lost this message, or one before it, of the same key: the
	// receiver is told of a gap, and the key takes nothing more that counts until a snapshot.
	ErrGapped = mailbox.ErrGapped
	// ErrExpired says that no answer came in time.
	ErrExpired = mailbox.ErrExpired
	// ErrFenced says that the incarnation meant has ended or was abandoned.
	ErrFenced = errors.New("actors: fenced")
	// ErrNotReady says that the incarnation is not ready to have an effect outside the process.
	ErrNotReady = errors.New("actors: not ready")
	// ErrUnknown says that there is no such actor; the zero Ref answers so too.
	ErrUnknown = errors.New("actors: unknown name")
	// ErrType says that the actor of that name takes messages of another type.
	ErrType = errors.New("actors: other message type")
)

// Answers of Spawn, Begin, New and of calls made in the wrong place.
var (
	// ErrNameTaken says that an incarnation of the name is alive.
	ErrNameTaken = errors.New("actors: name taken")
	// ErrEpoch says that the epoch is not above the last one of the name.
	ErrEpoch = errors.New("actors: epoch used before")
	// ErrConfig says that a configuration or a Spec is invalid.
	ErrConfig = errors.New("actors: invalid configuration")
	// ErrStopped says that the system has been stopped.
	ErrStopped = errors.New("actors: system stopped")
	// ErrInActor says that a blocking call was made without an Outside.
	ErrInActor = errors.New("actors: blocking call inside an actor")
	// ErrOutOfTurn says that a Context was used outside its handler.
	ErrOutOfTurn = errors.New("actors: context used outside its handler")
	// ErrNoMessage says that there is no message in hand that could be put aside.
	ErrNoMessage = errors.New("actors: no message in hand")
	// ErrUnstopped says that something did not stop in time and was left behind.
	ErrUnstopped = errors.New("actors: not stopped in time")
)

// Answers of Ask and of ReplyTo, see also ErrDown.
var (
	// ErrNoReply says that the message was dealt with and will not be answered.
	ErrNoReply = errors.New("actors: no reply")
	// ErrReplied says that the ask has been answered already.
	ErrReplied = errors.New("actors: replied before")
	// ErrLate says that nobody waits for the answer any more.
	ErrLate = errors.New("actors: reply too late")
)

// ErrDone is what a handler returns to end its incarnation with ReasonNormal.
var ErrDone = errors.New("actors: done")

type exitError string

func (e exitError) Error() string { return "exit: " + string(e) }

// ExitWith is an error that ends an incarnation with the reason word, which must be one lower-case word of a
// bounded set.
func ExitWith(word Reason) error { return exitError(word) }

// reasonOf is the reason for an end with err.
func reasonOf(err error) Reason {
	var e exitError
	switch {
	case err == nil || errors.Is(err, ErrDone):
		return ReasonNormal
	case errors.As(err, &e) && e != "":
		return Reason(e)
	}
	return ReasonError
}

// Exit tells that a part of an incarnation has ended: its actor, or one of its Run functions. There is exactly
// one for every part.
type Exit struct {
	Name  Name
	Epoch Epoch
	Class Class
	// Part is "" for the actor, the label for a Run function.
	Part   string
	Reason Reason
	// Err is what was returned, or the panic's value as an error; nil for an orderly end.
	Err error
	// Stack is where the panic or Goexit was, nil otherwise.
	Stack []byte
	// MessageType is the type of the message that was being handled, "" if none was.
	MessageType string
	// Fingerprint is that of the message, 0 if there was none, or it cannot be put in quarantine.
	Fingerprint uint64
	// Recent are the last messages of an actor that failed or hung, oldest first, as its flight recorder has them.
	Recent []Record
	// Late says that it had been abandoned before: the end is only recorded, it was decided on long ago. A
	// hung part has two notices: ReasonHung when it is abandoned, and a late one if it ever returns.
	Late bool
	// Left is how many parts of the incarnation are still there.
	Left int
}
