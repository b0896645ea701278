package actors_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// passOn lets so many names end that those before are forgotten.
func passOn(t *testing.T, s *actors.System, prefix string) {
	t.Helper()
	for i := range 300 {
		ended := exits(s)
		tellOpen(t, s, spawnNothing(t, s, fmt.Sprint(prefix, i)), 0)
		await(t, s, ended)
	}
}

// While something of an abandoned name is there it cannot be forgotten. That must not mean that it never is.
func TestANameThatWasPassedOverIsForgottenWhenItsZombieHasEnded(t *testing.T) {
	s := newShared(t)
	hold, held := make(chan int), make(chan int, 1)
	for i := range 10 {
		hung := spawnScript(t, s, actors.Name(fmt.Sprint("hung", i)), &script{})
		tellOpen(t, s, hung, func() error { held <- 1; <-hold; return nil })
		await(t, s, held)
		if err := s.Abandon(hung.Name(), 1); err != nil {
			t.Fatal(err)
		}
	}
	passOn(t, s, "while")
	if n := actors.Names(s); n != 266 {
		t.Errorf("%d names are known, want 256 and the ten that hang", n)
	}
	ended := exits(s)
	close(hold)
	for range 10 {
		if x := await(t, s, ended); !x.Late {
			t.Errorf("exit of %s is not late", x.Name)
		}
	}
	passOn(t, s, "after")
	if n := actors.Names(s); n != 256 {
		t.Errorf("%d names are known, want the last 256", n)
	}
	stop(t, s)
}

// A supervisor counts the epochs of its paths itself, from 1, also of those that come long after others were forgotten.
func TestASupervisorsNewNameBeginsAtItsOwnFirstEpoch(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		for range 5 {
			ended := exits(s)
			tellOpen(t, s, spawnNothing(t, s, "often"), 0)
			await(t, s, ended)
		}
		passOn(t, s, "name")
		l, err := s.Begin(actors.Birth{Name: "accounts/a1", Epoch: 1})
		if err != nil {
			t.Fatalf("Begin() of a new name with epoch 1 = %v, want nil", err)
		}
		l.End(false)
		if _, err := s.Begin(actors.Birth{Name: "accounts/a1", Epoch: 1}); !errors.Is(err, actors.ErrEpoch) {
			t.Errorf("Begin() with the same epoch = %v, want ErrEpoch", err)
		}
	})
}

// Every message of every actor is looked at while a fingerprint is shut, so those of forgotten names must not stay so.
func TestTheSuspicionsOfAForgottenNameAreForgottenWithIt(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		for range 2 {
			ended := exits(s)
			ref, err := actors.Spawn(s, actors.Spec[int]{
				Name: actors.Name(fmt.Sprint("poisoned", i)), Box: mailbox.One(4, mailbox.Reject),
				Actor: actors.Func[int](func(*actors.Context[int], int) error { panic("broken") }),
			})
			if err != nil {
				t.Fatal(err)
			}
			tellOpen(t, s, ref, 7)
			await(t, s, ended)
		}
	}
	if n := actors.ShutFingerprints(s); n != 10 {
		t.Fatalf("%d fingerprints are shut, want 10", n)
	}
	passOn(t, s, "name")
	if n := actors.ShutFingerprints(s); n != 0 {
		t.Errorf("%d fingerprints of forgotten names are shut, want none", n)
	}
	stop(t, s)
}
