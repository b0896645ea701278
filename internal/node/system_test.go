package node_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/mailbox"
)

// A report that fails its actor is given to each next incarnation: no message of a node is set aside.
func TestNoMessageOfANodeIsSetAside(t *testing.T) {
	sys, err := actors.New(node.SystemConfig("test", actors.Virtual(time.Unix(0, 0)), actors.Deterministic(), 0, nil))
	if err != nil {
		t.Fatal(err)
	}
	const times = 5
	handled := 0
	for range times {
		ref, err := actors.Spawn(sys, actors.Spec[string]{
			Name: "owner", Box: mailbox.One(1, mailbox.Reject),
			Actor: actors.Func[string](func(*actors.Context[string], string) error {
				handled++
				return errors.New("it cannot be read")
			}),
		})
		if err == nil {
			err = sys.Drive(t.Context(), ref.Open)
		}
		if err == nil {
			err = ref.Tell("fill")
		}
		if err == nil {
			err = sys.Drive(t.Context(), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if kept := sys.Quarantine(); handled != times || len(kept) != 0 {
		t.Errorf("handled %d of %d, %d set aside", handled, times, len(kept))
	}
	if err := sys.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
