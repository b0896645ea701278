package actors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

type word string

func spawnWords(t testing.TB, s *actors.System, recorder int, watchdog time.Duration, handle func(m any) error) actors.Ref[any] {
	t.Helper()
	ref, err := actors.Spawn(s, actors.Spec[any]{
		Name: "a", Box: mailbox.One(100, mailbox.Reject), Watchdog: watchdog, Recorder: recorder,
		Brief: func(m any) (b [32]byte) {
			copy(b[:], fmt.Sprint(m))
			return b
		},
		Fingerprint: func(m any) uint64 { return uint64(len(fmt.Sprint(m))) },
		Actor:       actors.Func[any](func(_ *actors.Context[any], m any) error { return handle(m) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	opened(t, s, ref)
	return ref
}

func briefs(rs []actors.Record) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%s %s(%s %d) %s; ", r.Lane, r.Type, r.Brief, r.Fingerprint, r.Outcome)
	}
	return b.String()
}

func TestACrashCarriesTheLastMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		last error
		want string
	}{
		"panic":  {nil, "data actors_test.word(cc 2) handled; data int(7 1) handled; data actors_test.word(end 3) crashed; "},
		"error":  {errors.New("broken"), "data actors_test.word(cc 2) handled; data int(7 1) handled; data actors_test.word(end 3) failed; "},
		"normal": {actors.ErrDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
				ended := exits(s)
				ref := spawnWords(t, s, 0, 0, func(m any) error {
					if m == word("end") && tt.last == nil {
						panic("broken")
					}
					if m == word("end") {
						return tt.last
					}
					return nil
				})
				if _, err := ref.TellAll(word("cc"), 7, word("end")); err != nil {
					t.Fatal(err)
				}
				if got := briefs(await(t, s, ended).Recent); got != tt.want {
					t.Errorf("recent = %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestTheRecorderKeepsTheLastMessagesAndIsCopiedAtOnce(t *testing.T) {
	for size, want := range map[int]int{actors.NoRecorder: 0, 4: 4, 0: 64} {
		systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
			last := make(chan bool, 1)
			ref := spawnWords(t, s, size, 0, func(m any) error {
				if m == 99 {
					last <- true
				}
				return nil
			})
			for i := range 100 {
				if err := ref.Tell(i); err != nil {
					t.Fatal(err)
				}
			}
			await(t, s, last)
			rec, err := s.Recording("a")
			if err != nil || len(rec.Records) != want {
				t.Fatalf("Recording() with a recorder of %d = %d records, %v, want %d", size, len(rec.Records), err, want)
			}
			for i, r := range rec.Records {
				if w := fmt.Sprint(100 - want + i); r.Brief != w {
					t.Fatalf("record %d is of message %s, want %s", i, r.Brief, w)
				}
			}
		})
	}
}

func TestTheRecorderOfAHangingActorIsCopiedAndToldWithItsAbandonment(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	ended := exits(s)
	hold, held := make(chan bool), make(chan bool)
	ref := spawnWords(t, s, 0, time.Second, func(any) error { held <- true; <-hold; return nil })
	if err := ref.Tell(word("hang")); err != nil {
		t.Fatal(err)
	}
	<-held
	const want = "data actors_test.word(hang 4) in hand; "
	rec, err := s.Recording("a")
	if err != nil || !rec.Busy || briefs(rec.Records) != want {
		t.Errorf("Recording() of an actor that hangs = %q, busy %t, %v, want %q", briefs(rec.Records), rec.Busy, err, want)
	}
	if x := await(t, s, ended); x.Reason != actors.ReasonHung || briefs(x.Recent) != want {
		t.Errorf("exit %s with %q, want hung with %q", x.Reason, briefs(x.Recent), want)
	}
	close(hold)
	await(t, s, ended)
}

func TestARecordingOfNobody(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	if _, err := s.Recording("nobody"); !errors.Is(err, actors.ErrFenced) {
		t.Errorf("Recording() of an unknown name = %v, want ErrFenced", err)
	}
	if _, err := actors.Spawn(s, actors.Spec[int]{
		Name: "a", Box: mailbox.One(1, mailbox.Reject), Recorder: 3,
		Actor: actors.Func[int](func(*actors.Context[int], int) error { return nil }),
	}); !errors.Is(err, actors.ErrConfig) {
		t.Errorf("Spawn() with a recorder of 3 = %v, want ErrConfig", err)
	}
}

// BenchmarkRecorder is one message to oneself under the deterministic dispatch, with and without a recorder.
func BenchmarkRecorder(b *testing.B) {
	for name, size := range map[string]int{"off": actors.NoRecorder, "on": 64} {
		b.Run(name, func(b *testing.B) {
			s := newBench(b, true)
			b.ReportAllocs()
			n := 0
			ref, err := actors.Spawn(s, actors.Spec[packet]{
				Name: "a", Box: mailbox.One(100, mailbox.Reject), Recorder: size,
				Actor: actors.Func[packet](func(c *actors.Context[packet], m packet) error {
					n++
					return c.Self().Tell(m)
				}),
			})
			if err != nil {
				b.Fatal(err)
			}
			opened(b, s, ref)
			_ = ref.Tell(packet{})
			b.ResetTimer()
			_ = s.Drive(context.Background(), func() bool { return n >= b.N })
		})
	}
}
