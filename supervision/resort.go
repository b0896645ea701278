package supervision

import (
	"context"
	"slices"
	"time"

	"github.com/failshut/failshut/actors"
)

// lastResort shuts a tree whose keeper broke: the phases run once more if they had not, without a keeper to bound each of them,
// but all of them together; then every incarnation is fenced, last started first, and the tree is over with CodeTripped.
func (t *Tree) lastResort() {
	l, err := t.sys.Begin(actors.Birth{Name: t.life.Name() + "!"})
	if err != nil { // the system itself is stopping, and asks all that lives to end; what does not, it names and fences
		t.over(Result{Code: CodeTripped, Reason: Crashed})
		return
	}
	limit := time.Duration(0)
	for _, p := range t.o.Phases {
		limit += min(p.Timeout, time.Minute)
	}
	end := func() {
		t.fenceAll()
		l.End(false)
	}
	err = l.Run("phases", func(ctx context.Context, out actors.Outside) error {
		defer end()
		for _, p := range t.o.Phases {
			if err := p.run(ctx, out); err != nil {
				t.sys.Log().Error("phase failed", "phase", p.Name, "err", err)
			}
		}
		return nil
	})
	if err == nil {
		err = l.Run("limit", func(ctx context.Context, out actors.Outside) error {
			defer end()
			return out.Until(ctx, out.Now().Add(limit))
		})
	}
	if err != nil {
		end()
	}
}

// fenceAll fences what lives, last started first, and says that the tree is over.
func (t *Tree) fenceAll() {
	t.once.Do(func() {
		left := t.keeper.inOrder()
		slices.Reverse(left)
		for _, in := range left {
			in.b.life.Kill()
		}
		r := Result{Code: CodeTripped, Reason: Crashed}
		for _, in := range left {
			r.Unstopped = append(r.Unstopped, in.id)
			in.b.life.End(false)
		}
		t.keeper.goneAll(Crashed)
		t.done <- r
		close(t.gone)
	})
}

// over says that the tree is over and leaves what lives in it to the system.
func (t *Tree) over(r Result) {
	t.keeper.goneAll(r.Reason)
	t.finish(r)
}
