package actors_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// update is a message of a mailbox that conflates.
type update struct {
	mailbox.Description
	text  string
	reply actors.ReplyTo[int]
}

func describeUpdate(u update) mailbox.Description { return u.Description }

func gapOfUpdates(k mailbox.Key, from, to uint64) update {
	return update{
		Description: mailbox.Description{Key: k, Seq: to, Kind: mailbox.Barrier},
		text:        fmt.Sprintf("gap %d-%d", from, to),
	}
}

func quoteOf(seq uint64) update {
	return update{Description: mailbox.Description{Key: 1, Seq: seq, Kind: mailbox.State}, text: fmt.Sprint("quote ", seq)}
}

func tradeOf(seq uint64) update {
	return update{Description: mailbox.Description{Key: 1, Seq: seq}, text: fmt.Sprint("trade ", seq)}
}

// conflating is a mailbox with so much room beside one Barrier of each key.
func conflating(room, keys int) mailbox.Config {
	c := mailbox.One(room+keys, mailbox.Conflate)
	c.MaxKeys = keys
	return c
}

// tape says what it sees. At "go" it tells itself what waits while it does.
type tape struct {
	tell func(c *actors.Context[update])
	saw  chan string
}

func (w tape) Receive(c *actors.Context[update], u update) error {
	if u.text == "go" {
		w.tell(c)
		return nil
	}
	w.saw <- fmt.Sprint(u.text, " +", c.Coalesced().N)
	return nil
}

func spawnTape(t *testing.T, s *actors.System, room int, tell func(*actors.Context[update])) (actors.Ref[update], tape) {
	t.Helper()
	w := tape{tell, make(chan string, 100)}
	ref, err := actors.Spawn(s, actors.Spec[update]{
		Name: "tape", Class: "tape", Box: conflating(room, 2), Actor: w, Describe: describeUpdate, GapOf: gapOfUpdates,
	})
	if err != nil {
		t.Fatal(err)
	}
	opened(t, s, ref)
	if err := ref.Tell(update{Description: mailbox.Description{Key: 2}, text: "go"}); err != nil {
		t.Fatal(err)
	}
	return ref, w
}

func (w tape) sees(t *testing.T, s *actors.System, want ...string) {
	t.Helper()
	for i, line := range want {
		if got := await(t, s, w.saw); got != line {
			t.Fatalf("line %d: the actor saw %q, want %q", i, got, line)
		}
	}
}

func TestAnActorSeesTheNewestStateAndHowManyItStandsFor(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		_, w := spawnTape(t, s, 8, func(c *actors.Context[update]) {
			for _, u := range []update{quoteOf(1), quoteOf(2), tradeOf(3), quoteOf(4), quoteOf(5)} {
				if err := c.Self().Tell(u); err != nil {
					t.Errorf("Tell(%s) error = %v, want nil", u.text, err)
				}
			}
		})
		w.sees(t, s, "trade 3 +0", "quote 5 +3")
	})
}

func TestAnActorIsWokenByTheGapThatIsAllThatWaits(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ref, w := spawnTape(t, s, 1, func(c *actors.Context[update]) {
			for seq, want := range []error{nil, actors.ErrGapped, actors.ErrGapped} {
				if err := c.Self().Tell(tradeOf(uint64(seq + 1))); !errors.Is(err, want) { //nolint:gosec // small
					t.Errorf("Tell(trade %d) error = %v, want %v", seq+1, err, want)
				}
			}
		})
		w.sees(t, s, "gap 1-3 +0")
		// The actor is idle now, and of this message it sees a gap alone.
		if err := ref.Tell(tradeOf(4)); !errors.Is(err, actors.ErrGapped) {
			t.Fatalf("Tell(trade 4) error = %v, want ErrGapped until a snapshot", err)
		}
		w.sees(t, s, "gap 4-4 +0")
	})
}

func TestAnAskThatIsConflatedOrStaleIsAnsweredAtOnce(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		_, w := spawnTape(t, s, 8, func(c *actors.Context[update]) {
			ask := func(seq uint64) {
				err := actors.AskThen(c, c.Self(), func(r actors.ReplyTo[int]) update {
					u := quoteOf(seq)
					u.reply = r
					return u
				}, c.Now().Add(1<<40), func(_ int, err error) update {
					return update{text: fmt.Sprint("answer to ", seq, ": ", errors.Is(err, actors.ErrNoReply))}
				})
				if err != nil {
					t.Errorf("AskThen() error = %v, want nil", err)
				}
			}
			ask(5)
			ask(4) // stale
			ask(6) // replaces 5
		})
		w.sees(t, s, "answer to 4: true +0", "answer to 5: true +0", "quote 6 +1", "answer to 6: true +0")
	})
}

func TestConflationIsWiredByAnOption(t *testing.T) {
	sp, err := actors.Spec[update]{Name: "a"}.With(actors.WithConflation(describeUpdate, gapOfUpdates))
	if err != nil || sp.Describe == nil || sp.GapOf == nil {
		t.Fatalf("With() = %+v, %v, want Describe and GapOf", sp, err)
	}
	if _, err := (actors.Spec[int]{}).With(actors.WithConflation(describeUpdate, gapOfUpdates)); !errors.Is(err, actors.ErrConfig) {
		t.Fatalf("With() for another type of messages = %v, want ErrConfig", err)
	}
}

func TestMergedMessagesAreNoDeadLetters(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		_, w := spawnTape(t, s, 8, func(c *actors.Context[update]) {
			for _, seq := range []uint64{2, 1, 3} { // 1 is stale, 2 is replaced
				if err := c.Self().Tell(quoteOf(seq)); err != nil {
					t.Error(err)
				}
			}
		})
		w.sees(t, s, "quote 3 +1")
		letters := s.DeadLetters()
		if len(letters) != 1 || letters[0].Reason != mailbox.Stale {
			t.Fatalf("dead letters %+v, want the stale one alone", letters)
		}
		if l := s.Boxes()[0].Lanes[mailbox.Data-1]; l.Dropped.Of(mailbox.Conflated) != 1 || !l.Balanced() {
			t.Fatalf("counts %+v, want one conflated", l)
		}
	})
}

func TestAMailboxMergesRequestsOfOneKey(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		saw := make(chan string, 100)
		sp, err := actors.Spec[string]{
			Name: "a", Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
				for n := 0; m == "go" && n < 100; n++ {
					for _, again := range []string{"cancel 1", "cancel 2"} {
						if err := c.Self().Tell(again); err != nil {
							t.Error(err)
						}
					}
				}
				saw <- m
				return nil
			}),
		}.With(actors.WithBox(mailbox.DefaultConfig("")), actors.WithLane(func(string) mailbox.Lane { return mailbox.Control }),
			actors.WithKey(func(m string) any {
				if m == "go" {
					return nil
				}
				return m
			}))
		if err != nil {
			t.Fatal(err)
		}
		ref, err := actors.Spawn(s, sp)
		if err != nil {
			t.Fatal(err)
		}
		opened(t, s, ref)
		tellOpen(t, s, ref, "go")
		for _, want := range []string{"go", "cancel 1", "cancel 2"} {
			if got := await(t, s, saw); got != want {
				t.Fatalf("handled %q, want %q", got, want)
			}
		}
		tellOpen(t, s, ref, "go") // the keys are free again
		for _, want := range []string{"go", "cancel 1", "cancel 2"} {
			if got := await(t, s, saw); got != want {
				t.Fatalf("handled %q, want %q", got, want)
			}
		}
	})
}

// What a user says of gaps is user code: it may panic, and that is the end of its actor alone.
func TestAGapOfThatPanicsIsACrash(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		ref, err := actors.Spawn(s, actors.Spec[update]{
			Name: "a", Box: conflating(1, 1), Describe: describeUpdate,
			GapOf: func(mailbox.Key, uint64, uint64) update { panic("no gap") },
			Actor: actors.Func[update](func(c *actors.Context[update], u update) error {
				_, _ = c.Self().Tell(tradeOf(2)), c.Self().Tell(tradeOf(3))
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		opened(t, s, ref)
		tellOpen(t, s, ref, tradeOf(1))
		if x := await(t, s, ended); x.Reason != actors.ReasonCrash {
			t.Fatalf("ended with %s, want crash", x.Reason)
		}
	})
}
