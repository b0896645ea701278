package actorstest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/mailbox"
)

// clerk does one thing of each kind.
type clerk struct {
	desk  actors.Ref[question]
	notes actors.Ref[string]
}

func (k *clerk) Starting(*actors.Context[string]) error { return k.notes.Tell("up") }

func (k *clerk) Receive(c *actors.Context[string], m string) error {
	switch m {
	case "both":
		return errors.Join(k.notes.Tell("one"), k.desk.Tell(question{text: "two"}), k.notes.Tell("three"))
	case "ask":
		return actors.AskThen(c, k.desk, func(r actors.ReplyTo[int]) question { return question{text: "how many?"} },
			time.Time{}, func(_ int, err error) string { return "answer" })
	case "later":
		c.After("k", time.Minute, "tick")
	case "child":
		_, err := actors.Spawn(c.System(), actors.Spec[int]{
			Name: "child", Box: mailbox.One(1, mailbox.Reject), Actor: actors.Func[int](func(*actors.Context[int], int) error { return nil }),
		})
		return err
	case "end":
		return actors.ErrDone
	case "break":
		return errors.New("broken")
	default:
		return k.notes.Tell(m)
	}
	return nil
}

func behave(t testing.TB) *actorstest.Behaviour[string] {
	t.Helper()
	stage := actorstest.NewStage(t)
	k := &clerk{actorstest.Stub[question](t, stage, "desk"), actorstest.Stub[string](t, stage, "notes")}
	return actorstest.Behave(t, stage, actors.Spec[string]{Name: "clerk", Actor: k})
}

func TestABehaviourShowsWhatAnActorDoesInOrder(t *testing.T) {
	b := behave(t)
	actorstest.Want(t, b.Effects(), "tell notes up")
	actorstest.Want(t, b.Tell(t, "both"), "tell notes one", "tell desk {text:two reply:{ask:<nil>}}", "tell notes three")
	actorstest.Want(t, b.Tell(t, "ask"), "tell desk {text:how many? reply:{ask:<nil>}}", "tell notes answer")
	actorstest.Want(t, b.Tell(t, "later"))
	actorstest.Want(t, b.Advance(t, time.Minute-1))
	got := b.Advance(t, 1)
	actorstest.Want(t, got, "tell notes tick")
	if want := actorstest.Start.Add(time.Minute); !got[0].At.Equal(want) {
		t.Errorf("at %s, want %s", got[0].At, want)
	}
	actorstest.Want(t, b.Tell(t, "child"), "spawn child")
	got = b.Tell(t, "break")
	actorstest.Want(t, got, "end clerk error")
	if got[0].Err == nil || got[0].Err.Error() != "broken" {
		t.Errorf("ended with %v, want broken", got[0].Err)
	}
}

func TestABehaviourThatEndedTakesNothing(t *testing.T) {
	b := behave(t)
	b.Tell(t, "end")
	said := fails(t, func(o testing.TB) { b.Tell(o, "more") })
	if !strings.Contains(said, "fenced") {
		t.Errorf("said %q, want why it was refused", said)
	}
}

func TestWantFailsOnOtherEffects(t *testing.T) {
	b := behave(t)
	for _, want := range [][]string{{}, {"tell notes down"}, {"tell notes up", "tell notes up"}} {
		got := []actorstest.Effect{{Kind: actorstest.Told, Name: "notes", Message: "up"}}
		if said := fails(t, func(o testing.TB) { actorstest.Want(o, got, want...) }); !strings.Contains(said, "tell notes up") {
			t.Errorf("Want(%q) said %q, want both lists", want, said)
		}
	}
	actorstest.Want(t, b.Effects(), "tell notes up")
}

func TestAProbeFailsWhereItShould(t *testing.T) {
	s := actorstest.NewSystem(t, 0)
	p := actorstest.NewProbe[int](t, s, "p")
	_, _ = p.Ref().TellAll(1, 2, 3)
	actorstest.Settle(t, s, 0)
	for _, tt := range []struct {
		name string
		do   func(t testing.TB)
		want string
	}{
		{"another message", func(o testing.TB) { p.Expect(o, 7) }, "want 7"},
		{"one too many", func(o testing.TB) { p.ExpectNone(o, time.Second) }, "want nothing"},
		{"none that is big", func(o testing.TB) { p.Fish(o, func(n int) bool { return n > 100 }) }, "no further message"},
	} {
		said := fails(t, tt.do)
		if !strings.Contains(said, tt.want) || !strings.Contains(said, "1: 1") {
			t.Errorf("%s: said %q, want %q and the history", tt.name, said, tt.want)
		}
	}
	late := actorstest.NewProbe(t, s, "late", actorstest.Asked(replyOf))
	if err := late.Ref().Tell(question{text: "not an ask"}); err != nil {
		t.Fatal(err)
	}
	if said := fails(t, func(o testing.TB) { actorstest.Reply(o, late, replyOf, 1) }); !strings.Contains(said, "refused") {
		t.Errorf("Reply() to what is no ask said %q", said)
	}
}

func TestAProbeAnswersAnAskWhenTheTestDoes(t *testing.T) {
	s := actorstest.NewSystem(t, 0)
	desk := actorstest.NewProbe(t, s, "desk", actorstest.Asked(replyOf))
	plain := actorstest.NewProbe[question](t, s, "plain")
	got := actorstest.NewProbe[string](t, s, "got")
	asker, err := actors.Spawn(s, actors.Spec[string]{
		Name: "asker", Box: mailbox.One(8, mailbox.Reject),
		Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
			to := map[string]actors.Ref[question]{"desk": desk.Ref(), "plain": plain.Ref()}[m]
			if to == (actors.Ref[question]{}) {
				return got.Ref().Tell(m)
			}
			return actors.AskThen(c, to, func(r actors.ReplyTo[int]) question { return question{"?", r} }, time.Time{},
				func(n int, err error) string { return fmt.Sprint(n, errors.Is(err, actors.ErrNoReply)) })
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	actorstest.Settle(t, s, 0)
	_, _ = asker.TellAll("plain", "desk")
	got.Expect(t, "0 true")
	got.ExpectNone(t, time.Second)
	if q := actorstest.Reply(t, desk, replyOf, 42); q.text != "?" {
		t.Errorf("the ask was %+v", q)
	}
	got.Expect(t, "42 false")
}
