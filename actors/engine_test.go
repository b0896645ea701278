package actors

import (
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// bare is a mailbox that only writes down what the engine does with it.
type bare struct {
	calls   []string
	invoker actor.MessageInvoker
}

func (b *bare) PostUserMessage(any) { b.calls = append(b.calls, "user") }
func (b *bare) PostSystemMessage(m any) {
	switch m.(type) {
	case *actor.Started:
		b.calls = append(b.calls, "started")
	default:
		b.calls = append(b.calls, "system")
	}
}

func (b *bare) RegisterHandlers(i actor.MessageInvoker, _ actor.Dispatcher) {
	b.invoker = i
	b.calls = append(b.calls, "handlers")
}
func (b *bare) Start()                { b.calls = append(b.calls, "start") }
func (b *bare) UserMessageCount() int { return 0 }

// TestEngineContract pins what engineMailbox relies on.
func TestEngineContract(t *testing.T) {
	e := newEngine()
	b := &bare{}
	var seen []string
	props := actor.PropsFromFunc(func(c actor.Context) {
		switch c.Message().(type) {
		case *actor.Started:
			seen = append(seen, "started")
		case *actor.Stopping:
			seen = append(seen, "stopping")
		case *actor.Stopped:
			seen = append(seen, "stopped")
		default:
			seen = append(seen, "user")
		}
	}, actor.WithMailbox(func() actor.Mailbox { return b }))
	pid, err := e.system.Root.SpawnNamed(props, e.prefix+"contract")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"handlers", "started", "start"}; !slices.Equal(b.calls, want) {
		t.Fatalf("at spawn the engine calls %v, want %v", b.calls, want)
	}
	if _, err := e.system.Root.SpawnNamed(props, e.prefix+"contract"); err == nil {
		t.Fatal("the engine took a name twice")
	}
	if _, there := e.system.ProcessRegistry.Get(pid); !there {
		t.Fatal("a spawned process is not registered")
	}
	b.invoker.InvokeSystemMessage(&actor.Started{})
	b.invoker.InvokeSystemMessage(&actor.Stop{})
	b.invoker.InvokeUserMessage("late")
	b.invoker.InvokeSystemMessage(&actor.Stop{})
	if want := []string{"started", "stopping", "stopped"}; !slices.Equal(seen, want) {
		t.Fatalf("the engine's actor sees %v, want %v, each once, and nothing after them", seen, want)
	}
	if _, there := e.system.ProcessRegistry.Get(pid); there {
		t.Fatal("a stopped process is still registered")
	}
}
