package node_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/risk"
)

// hungLog is a log whose disk does not answer.
type hungLog struct{}

func (hungLog) Term() uint64 { return 1 }

func (hungLog) Propose(ctx context.Context, _ []byte) (uint64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// Risk's watchdog looks at whoever proposes: a log that hangs must answer before it, or risk ends and takes the sessions with it.
func TestALogThatHangsIsOfUnknownFateBeforeItsWatchdogLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if _, err := node.Bounded(hungLog{}, 500*time.Millisecond).Propose(t.Context(), nil); !errors.Is(err, risk.ErrFateUnknown) {
			t.Errorf("Propose() error = %v, want %v", err, risk.ErrFateUnknown)
		}
		if took := time.Since(began); took != 500*time.Millisecond {
			t.Errorf("the answer took %v, want 500ms", took)
		}
	})
}
