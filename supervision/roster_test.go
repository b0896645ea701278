package supervision_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/supervision"
)

// account is a supervisor of one worker, as a roster adds it.
func account(name string, kids ...supervision.Child) supervision.Child {
	return supervision.SubTree(name, supervision.Spec{Strategy: supervision.RestForOne, Intensity: 0, Period: time.Minute, Children: kids})
}

func venues(r *supervision.Roster) supervision.Spec {
	return supervision.DefaultSpec("root",
		supervision.SubTree("venues", supervision.DefaultSpec("venues", supervision.RosterChild(r))))
}

func TestARosterAddsWhatIsWantedAndMindsIt(t *testing.T) {
	worlds(t, func(w *world) {
		want := []supervision.Child{account("a1", worker("orders")), account("a2", worker("orders"))}
		r := supervision.NewRoster(supervision.RosterOptions{
			Children: func() []supervision.Child { return want },
			Backoff:  supervision.Backoff{Base: time.Millisecond, Cap: 2 * time.Millisecond, Reset: time.Hour},
		})
		gaveUp := make(chan string, 1)
		ev := w.events()
		ev.GaveUp = func(path string, times int) { gaveUp <- path }
		tree, err := supervision.Start(t.Context(), w.sys, venues(r), supervision.Options{Events: ev})
		if err != nil {
			t.Fatal(err)
		}
		w.sees("started venues/a1#1")
		w.sees("started venues/a2#1")
		for range 3 { // each spends an intensity of 0
			n := strings.Count(strings.Join(w.lines(), "\n"), "started venues/a2#")
			w.tell("venues/a2/orders", "panic")
			w.until("a2 gives up", func() bool {
				all := strings.Join(w.lines(), "\n")
				return strings.Count(all, "exit venues/a2#") == n
			})
			if n < 3 {
				w.until("a2 comes back", func() bool { return strings.Count(strings.Join(w.lines(), "\n"), "started venues/a2#") == n+1 })
			}
		}
		w.until("the page", func() bool { return len(gaveUp) == 1 })
		if got := <-gaveUp; got != "venues/a2" {
			t.Errorf("gave up %q, want venues/a2", got)
		}
		for _, l := range w.lines() {
			if strings.HasPrefix(l, "restart root") || strings.HasPrefix(l, "restart venues ") || strings.HasPrefix(l, "stop venues/a1") {
				t.Errorf("a sibling or a supervisor above was touched: %s", l)
			}
		}
		if e, ok := tree.Snapshot().Find("venues/a1/orders"); !ok || e.Status != supervision.Running || e.Epoch != 1 {
			t.Errorf("a1's orders = %+v, want the first incarnation running", e)
		}
		tree.Shutdown()
		if r := w.result(tree); r.Code != 0 {
			t.Errorf("result = %+v", r)
		}
	})
}

func TestOneAccountThatIsNeverReadyHoldsOnlyItself(t *testing.T) {
	worlds(t, func(w *world) {
		orders := func(ready bool) supervision.Child {
			return supervision.Child{
				Name: "orders", Restart: supervision.Permanent, Class: supervision.OrdersClass, StartTimeout: supervision.Infinity,
				Start: func(_ context.Context, b *supervision.Birth) error {
					if ready {
						return b.Ready(supervision.Reconciled)
					}
					return nil
				},
			}
		}
		r := supervision.NewRoster(supervision.RosterOptions{Children: func() []supervision.Child {
			return []supervision.Child{account("a2", orders(false)), account("a1", orders(true))}
		}})
		tree := w.start(venues(r))
		w.sees("started venues/a1#1")
		if e, _ := tree.Snapshot().Find("venues/a2"); e.Status != supervision.Starting {
			t.Errorf("a2 is %s, want starting", e.Status)
		}
		tree.Stop()
		if r := w.result(tree); r.Code != 0 || len(r.Unstopped) != 0 {
			t.Errorf("result = %+v", r)
		}
	})
}

func TestARosterThatCrashesAtAnyMessageStartsEveryChildOnce(t *testing.T) {
	worlds(t, func(w *world) {
		r := supervision.NewRoster(supervision.RosterOptions{Children: func() []supervision.Child {
			return []supervision.Child{account("a1", worker("orders")), account("a2", worker("orders"))}
		}})
		spec := venues(r)
		spec.Children[0].Sub.Intensity = 100
		tree := w.start(spec)
		w.sees("started venues/a1#1")
		w.sees("started venues/a2#1")
		for i := range 5 {
			if err := tree.Inject("venues/roster", supervision.Panic); err != nil {
				t.Fatal(err)
			}
			w.until("look", func() bool { return r.Look() == nil })
			n := i + 2
			w.until("the roster comes back", func() bool {
				e, _ := tree.Snapshot().Find("venues/roster")
				return e.Epoch == uint64(n) && e.Ready
			})
		}
		tree.Shutdown()
		w.result(tree)
		for _, a := range []string{"start venues/a1#", "start venues/a2#"} {
			if n := len(slices.DeleteFunc(w.lines(), func(l string) bool { return !strings.HasPrefix(l, a) })); n != 1 {
				t.Errorf("%d lines %q, want 1", n, a)
			}
		}
	})
}

func TestARosterFollowsWhatIsWanted(t *testing.T) {
	worlds(t, func(w *world) {
		type list struct{ kids []supervision.Child }
		wants := make(chan list, 1)
		now := list{[]supervision.Child{account("a1", worker("orders"))}}
		r := supervision.NewRoster(supervision.RosterOptions{Children: func() []supervision.Child {
			select {
			case now = <-wants:
			default:
			}
			return now.kids
		}})
		tree := w.start(venues(r))
		w.sees("started venues/a1#1")
		wants <- list{[]supervision.Child{account("a2", worker("orders"))}}
		w.until("look", func() bool { return r.Look() == nil })
		w.sees("started venues/a2#1")
		w.sees("exit venues/a1#1 shutdown")
		wants <- list{[]supervision.Child{account("a1", worker("orders")), account("a2", worker("orders"))}}
		w.until("look", func() bool { return r.Look() == nil })
		w.sees("started venues/a1#2")
		tree.Stop()
		w.result(tree)
	})
}

func TestStartChildInsideAStartIsAnsweredAtOnce(t *testing.T) {
	worlds(t, func(w *world) {
		answers := make(chan supervision.Answer, 1)
		asks := supervision.Child{Name: "asks", Restart: supervision.Permanent, Start: func(_ context.Context, b *supervision.Birth) error {
			b.Tree().StartChild(b.Above(), worker("x"), func(a supervision.Answer) { answers <- a }, nil)
			return nil
		}}
		tree := w.start(supervision.DefaultSpec("root", asks))
		w.until("the answer", func() bool { return len(answers) == 1 })
		if a := <-answers; a.Word != "not_running" {
			t.Errorf("answer = %+v, want not_running", a)
		}
		tree.Stop()
		w.result(tree)
	})
}

func TestWhoAsksForAChildThatIsThereIsToldOfItsEndWhenNobodyElseIs(t *testing.T) {
	worlds(t, func(w *world) {
		tree, err := supervision.Start(t.Context(), w.sys, supervision.DefaultSpec("root"), supervision.Options{Events: w.events()})
		if err != nil {
			t.Fatal(err)
		}
		child := worker("x")
		child.Restart = supervision.Temporary
		answers, ends := make(chan supervision.Answer, 2), make(chan supervision.Reason, 2)
		ask := func(gone func(supervision.Reason)) supervision.Answer {
			t.Helper()
			tree.StartChild("", child, func(a supervision.Answer) { answers <- a }, gone)
			w.until("the answer", func() bool { return len(answers) == 1 })
			return <-answers
		}
		if a := ask(nil); !a.OK {
			t.Fatalf("the first is answered %+v, want ok", a)
		}
		for range 2 { // the second of them finds that the first minds it
			if a := ask(func(r supervision.Reason) { ends <- r }); a.Word != "already_started" {
				t.Fatalf("a later one is answered %+v, want already_started", a)
			}
		}
		w.tell("x", "panic")
		w.until("the end to be told", func() bool { return len(ends) > 0 })
		if r := <-ends; r != supervision.Crashed {
			t.Errorf("it ended by %q, want a crash", r)
		}
		tree.Shutdown()
		if r := w.result(tree); r.Code != 0 || len(ends) != 0 {
			t.Errorf("result = %+v, %d more ends told, want an orderly one and none", r, len(ends))
		}
	})
}
