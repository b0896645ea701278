package supervision

import "time"

// At is what a decision may know besides its state and its input: the time, and one draw of chance, uniform in [0,1).
type At struct {
	Now  time.Time
	Draw float64
}

// Input is what can happen to a supervisor: a closed set. Path is the child's path from below the root, Epoch its
// incarnation; an input of another epoch than the present one changes nothing.
type Input interface{ input() }

type (
	// Boot starts the children in the list for the first time.
	Boot struct{}
	// Begun tells that the init of a child that is a supervisor has returned, so that its own children are starting.
	Begun struct {
		Path  string
		Epoch uint64
	}
	// Started tells that a child's start returned nil; of a supervisor, that all its children are ready.
	Started struct {
		Path  string
		Epoch uint64
	}
	// Ready tells that a child says it is ready, on some evidence.
	Ready struct {
		Path     string
		Epoch    uint64
		Evidence Evidence
	}
	// Ignored tells that a child's start asked to be left out.
	Ignored struct {
		Path  string
		Epoch uint64
	}
	// Failed tells that a child's start failed. Deepest and Why name the child below it that made it fail, if there is one.
	Failed struct {
		Path    string
		Epoch   uint64
		Reason  Reason
		Deepest string
		Why     Reason
	}
	// Exited tells that an incarnation has ended.
	Exited struct {
		Path   string
		Epoch  uint64
		Reason Reason
	}
	// Ending tells that a part of a child has ended, with Reason, and that other parts are still there: they are asked to
	// stop, and Exited follows when the last is gone.
	Ending struct {
		Path   string
		Epoch  uint64
		Reason Reason
	}
	// Hung tells that a child was found hanging: in one message beyond its watchdog, or when it was to be killed.
	Hung struct {
		Path  string
		Epoch uint64
	}
	// Fired tells that a timer which was armed is due.
	Fired struct{ Timer Timer }
	// Granted tells that the tree's budget lets the restart of a child begin.
	Granted struct{ Path string }
	// Call asks for a change of the children and is answered by a Reply that carries its Tag.
	Call struct {
		Verb  Verb
		Name  string
		Child Child // of StartChild
		Tag   uint64

		order uint64 // of arrival
	}
	// Stop tells the supervisor to stop its children in reverse and to end.
	Stop struct{}
	// Crash tells that the supervisor itself broke: it stops its children and ends with the reason crash.
	Crash struct{}
	// Freeze tells that the tree is going down: ends are recorded, nothing is restarted any more.
	Freeze struct{}
)

func (Boot) input()    {}
func (Begun) input()   {}
func (Started) input() {}
func (Ready) input()   {}
func (Ignored) input() {}
func (Failed) input()  {}
func (Exited) input()  {}
func (Ending) input()  {}
func (Hung) input()    {}
func (Fired) input()   {}
func (Granted) input() {}
func (Call) input()    {}
func (Stop) input()    {}
func (Crash) input()   {}
func (Freeze) input()  {}

// Verb names a call. The zero Verb is invalid and answered so.
type Verb uint8

// The calls that change a supervisor's children, and the two that are the tree's own.
const (
	StartChild Verb = iota + 1
	TerminateChild
	RestartChild
	DeleteChild
	startTree
	stopTree
)

var verbNames = [...]string{"", "start_child", "terminate_child", "restart_child", "delete_child", "start", "stop"}

// String returns the verb as scripts write it, "invalid" for a value that is none.
func (v Verb) String() string { return nameOf(verbNames[:], int(v)) }

// TimerKind says what a timer is for.
type TimerKind uint8

// The timers of a supervisor, and those of a tree.
const (
	startTimer  TimerKind = iota + 1 // StartTimeout of a child
	stopTimer                        // Shutdown of a child, or of all instances of a simple supervisor
	waitTimer                        // backoff
	rootTimer                        // the root's own StartTimeout or Shutdown
	budgetTimer                      // a place of the budget comes free
	phaseTimer                       // a phase's timeout
)

// Timer names one timer that was armed. It is never used twice.
type Timer struct {
	Sup   string // path of the supervisor that armed it
	Epoch uint64 // and its incarnation
	Path  string // the child it is about; the supervisor's own where it is about all
	Kind  TimerKind
	N     uint64
}

// Do says what an Action does. The zero Do is invalid.
type Do uint8

// What a decision can ask for.
const (
	DoStart   Do = iota + 1 // start the incarnation Path#Epoch of Child
	DoOpen                  // its start has returned: it may be told messages
	DoReady                 // it is ready: it may act
	DoStop                  // ask it to stop
	DoKill                  // fence it at once; answered by Exited with killed, or by Hung
	DoAbandon               // fence it and leave it (Reason is the cause)
	DoArm                   // Timer fires in Delay
	DoDisarm                // Timer does not fire any more
	DoReply                 // Answer goes to the caller of Tag
	DoEmit                  // Line is a line of the trace
	DoClaim                 // ask the budget for a place for Path
	DoUnclaim               // no longer
	DoUp                    // the supervisor is started
	DoDone                  // the supervisor is down, with Reason
	DoTrip                  // the root gives up or shuts down, with Reason: phases, then its Stop
	doPhase                 // run phase Path
	doHalt                  // the tree is over, with exit code N of Line
)

// Action is one thing a decision asks for. They are carried out in order.
type Action struct {
	Do     Do
	Path   string
	Epoch  uint64
	Child  *Child
	Timer  Timer
	Delay  time.Duration
	Reason Reason
	Line   Decision
	Tag    uint64
	Answer Answer
	failed Failed // of DoDone before the supervisor was started
}
