package actors

import (
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// engine is protoactor: it holds the identity of every incarnation and brings its lifecycle, and sees nothing
// else. Messages, handlers, failures and restarts never pass through it. One engine serves all Systems of the
// process, since a new one costs 27 ms and 3 MB and holds no goroutine.
type engine struct {
	system *actor.ActorSystem
	prefix string
}

var (
	engineOnce = sync.OnceValue(func() *actor.ActorSystem {
		quiet := func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
		return actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	})
	engineUsers atomic.Uint64
)

func newEngine() *engine {
	return &engine{system: engineOnce(), prefix: strconv.FormatUint(engineUsers.Add(1), 36) + "/"}
}

// spawn registers the incarnation; the engine then posts Started to its mailbox and starts that. The id holds
// the epoch, so it is new in the process.
func (e *engine) spawn(c *cell) {
	c.engine.cell = c
	id := e.prefix + string(c.life.name) + "#" + strconv.FormatUint(uint64(c.life.epoch), 10)
	props := actor.PropsFromFunc(func(actor.Context) {},
		actor.WithMailbox(func() actor.Mailbox { return &c.engine }),
		actor.WithDispatcher(engineDispatcher{d: c.sys.dispatch}))
	if _, err := e.system.Root.SpawnNamed(props, id); err != nil {
		panic("actors: the engine refused a new name: " + err.Error())
	}
}

// engineMailbox is what the engine takes for the mailbox of an actor. System messages are few, unbounded and
// never blocked; user messages do not come this way.
type engineMailbox struct {
	cell    *cell
	invoker actor.MessageInvoker

	mu    sync.Mutex
	queue []any
}

// PostUserMessage takes nothing but a PoisonPill, which is a Stop signal.
func (m *engineMailbox) PostUserMessage(message any) {
	if _, ok := message.(*actor.PoisonPill); ok {
		m.cell.signal(signalStop)
	}
}

// PostSystemMessage queues a lifecycle message for the next turn. It may come before RegisterHandlers.
func (m *engineMailbox) PostSystemMessage(message any) {
	if _, ok := message.(*actor.Stop); ok {
		m.cell.signal(signalStop)
		return
	}
	m.mu.Lock()
	m.queue = append(m.queue, message)
	m.mu.Unlock()
}

// RegisterHandlers gives the invoker that brings lifecycle messages to the engine.
func (m *engineMailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.invoker = invoker
}

// Start lets the actor run.
func (m *engineMailbox) Start() {
	m.cell.state.Store(stateIdle)
	m.cell.kick()
}

// UserMessageCount is 0: the engine has no user messages.
func (m *engineMailbox) UserMessageCount() int { return 0 }

// started gives the engine its Started, and whatever else has been posted.
func (m *engineMailbox) started() {
	m.mu.Lock()
	queue := m.queue
	m.queue = nil
	m.mu.Unlock()
	for _, message := range queue {
		m.invoker.InvokeSystemMessage(message)
	}
}

// stopped lets the engine forget the incarnation.
func (m *engineMailbox) stopped() {
	m.started()
	m.invoker.InvokeSystemMessage(&actor.Stop{})
}

// engineDispatcher runs on the system's own queue what the engine wants run.
type engineDispatcher struct{ d dispatcher }

// Schedule queues fn.
func (e engineDispatcher) Schedule(fn func()) { e.d.push(scheduled(fn)) }

// Throughput is the number of messages of a turn.
func (e engineDispatcher) Throughput() int { return turnMessages }

type scheduled func()

func (f scheduled) turn() bool {
	f()
	return true
}
