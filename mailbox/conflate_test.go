package mailbox_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// tick is a message of a conflating lane. One that the box made has from and to.
type tick struct {
	mailbox.Description
	n        int
	from, to uint64
}

func describe(m tick) mailbox.Description { return m.Description }

func gapOf(k mailbox.Key, from, to uint64) tick {
	return tick{Description: mailbox.Description{Key: k, Kind: mailbox.Barrier, Seq: to}, from: from, to: to}
}

// isGap says whether the box made the message.
func (m tick) isGap() bool { return m.to > 0 }

func quoted(k mailbox.Key, seq uint64) tick {
	return tick{Description: mailbox.Description{Key: k, Seq: seq, Kind: mailbox.State}}
}

func trade(k mailbox.Key, seq uint64) tick {
	return tick{Description: mailbox.Description{Key: k, Seq: seq}}
}

func barrier(k mailbox.Key, seq uint64, rank uint8) tick {
	return tick{Description: mailbox.Description{Key: k, Seq: seq, Kind: mailbox.Barrier, Rank: rank}}
}

func snapshot(k mailbox.Key, seq uint64) tick {
	return tick{Description: mailbox.Description{Key: k, Seq: seq, Kind: mailbox.Barrier, Snapshot: true}}
}

// conflating is the configuration of a lane with room for so many messages beside one Barrier of each key.
func conflating(room, keys int) mailbox.Config {
	c := mailbox.One(room+keys, mailbox.Conflate)
	c.MaxKeys = keys
	return c
}

func newConflating(t testing.TB, cfg mailbox.Config, opts ...mailbox.Option[tick]) *mailbox.Box[tick] {
	t.Helper()
	b, err := mailbox.New(cfg, append(opts, mailbox.Describe(describe), mailbox.GapOf(gapOf))...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// String shows a message as the stories below do: key, kind and Seq.
func (m tick) String() string {
	name := fmt.Sprintf("%c", rune('a'+m.Key))
	switch {
	case m.isGap():
		return fmt.Sprintf("%sGap%d-%d", name, m.from, m.to)
	case m.Snapshot:
		return fmt.Sprintf("%sSnap%d", name, m.Seq)
	case m.Kind == mailbox.Barrier:
		return fmt.Sprintf("%sB%d", name, m.Seq)
	case m.Kind == mailbox.State:
		return fmt.Sprintf("%sS%d", name, m.Seq)
	}
	return fmt.Sprintf("%sE%d", name, m.Seq)
}

// view takes until there is nothing, and shows it; a State that replaced others with +N from the first.
func view(b *mailbox.Box[tick]) string {
	var out []string
	var item [1]mailbox.Item[tick]
	for b.Take(item[:]) == 1 {
		s := item[0].Message.String()
		if c := item[0].Coalesced; c.N > 0 {
			s += fmt.Sprintf("+%dfrom%d", c.N, c.FirstSeq)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestStoriesOfAConflatingLane(t *testing.T) {
	const a, b = 0, 1
	full, gapped := mailbox.ErrFull, mailbox.ErrGapped
	tests := map[string]struct {
		room    int
		offers  []tick
		answers map[int]error // nil for the others
		view    string
		letters string
	}{
		"a newer state takes the place of the queued one": {
			4,
			[]tick{quoted(a, 1), quoted(b, 1), quoted(a, 2), quoted(a, 3)},
			nil, "aS3+2from1 bS1", "aS1 conflated, aS2 conflated",
		},
		"a state does not overtake an event": {
			4,
			[]tick{quoted(a, 1), trade(a, 2), quoted(b, 1), quoted(a, 3)},
			nil, "aE2 bS1 aS3+1from1", "aS1 conflated",
		},
		"an older state is never put in place": {
			4,
			[]tick{quoted(a, 5), quoted(a, 4), quoted(a, 5)},
			nil, "aS5+1from5", "aS4 stale, aS5 conflated",
		},
		"a state without room is refused": {
			1,
			[]tick{quoted(a, 1), quoted(b, 1), quoted(a, 2)},
			map[int]error{1: full},
			"aS2+1from1", "aS1 conflated",
		},
		"nothing is conflated by forgetting what it is": {
			4,
			[]tick{trade(a, 1), trade(a, 1), trade(a, 2)},
			nil, "aE1 aE1 aE2", "",
		},
		"events that find no room tear a gap in place of those that wait": {
			4,
			[]tick{quoted(a, 1), trade(a, 2), trade(b, 1), trade(a, 3), trade(a, 4), trade(a, 5), trade(b, 2)},
			map[int]error{4: gapped, 5: gapped},
			"aS1 aGap2-5 bE1 bE2", "aE2 overflow, aE3 overflow",
		},
		"a gap stands where nothing waits": {
			1,
			[]tick{trade(b, 1), trade(a, 1), trade(a, 2)},
			map[int]error{1: gapped, 2: gapped},
			"bE1 aGap1-2", "",
		},
		"what is before a barrier stays before it": {
			2,
			[]tick{trade(a, 1), barrier(a, 2, 0), trade(a, 3), trade(a, 4)},
			map[int]error{3: gapped},
			"aE1 aB2 aGap3-4", "aE3 overflow",
		},
		"a gap without a place follows in that of the barrier": {
			2,
			[]tick{barrier(a, 1, 0), quoted(a, 2), trade(b, 1), trade(a, 3), trade(a, 4)},
			map[int]error{3: gapped, 4: gapped},
			"aB1 aGap3-4 aS2 bE1", "",
		},
		"a snapshot makes the key whole": {
			2,
			[]tick{trade(b, 1), trade(a, 1), trade(a, 2), snapshot(a, 3), trade(a, 4), snapshot(a, 5), trade(a, 6)},
			map[int]error{2: gapped, 3: nil, 4: gapped, 5: full, 6: gapped},
			"bE1 aGap1-2 aSnap3 aGap4-6", "aE1 overflow",
		},
		"a barrier needs no room": {
			1,
			[]tick{trade(b, 1), barrier(a, 1, 0), barrier(b, 2, 0)},
			nil, "bE1 aB1 bB2", "",
		},
		"a barrier drops the state before it": {
			4,
			[]tick{quoted(a, 1), trade(a, 2), quoted(b, 1), barrier(a, 3, 0)},
			nil, "aE2 bS1 aB3", "aS1 conflated",
		},
		"a barrier replaces the one before it that is not stronger": {
			4,
			[]tick{barrier(a, 1, 1), quoted(a, 2), barrier(b, 1, 0), barrier(a, 3, 1), barrier(a, 4, 2)},
			nil, "aB4 bB1", "aS2 conflated, aB1 conflated, aB3 conflated",
		},
		"a weaker barrier waits behind": {
			1,
			[]tick{barrier(a, 1, 2), barrier(a, 2, 1), barrier(a, 3, 0)},
			map[int]error{2: full},
			"aB1 aB2", "",
		},
		"a barrier does not overtake an event": {
			4,
			[]tick{barrier(a, 1, 0), trade(a, 2), barrier(a, 3, 0)},
			nil, "aB1 aE2 aB3", "",
		},
		"a snapshot is replaced by another alone": {
			4,
			[]tick{snapshot(a, 1), barrier(a, 2, 9), snapshot(b, 1), snapshot(b, 2)},
			nil, "aSnap1 aB2 bSnap2", "bSnap1 conflated",
		},
		"keys beyond those that may be": {
			4,
			[]tick{quoted(a, 1), quoted(b, 1), quoted(2, 1), quoted(3, 1), quoted(a, 2)},
			map[int]error{2: full, 3: full},
			"aS2+1from1 bS1", "aS1 conflated",
		},
		"a kind that is none": {
			4,
			[]tick{{Description: mailbox.Description{Kind: mailbox.Barrier + 1}}},
			map[int]error{0: mailbox.ErrPolicy},
			"", "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var letters []string
			box := newConflating(t, conflating(tt.room, 2), mailbox.Sink(func(l mailbox.Letter[tick]) {
				letters = append(letters, l.Message.String()+" "+l.Reason.String())
			}))
			for i, m := range tt.offers {
				if err := box.Offer(m); !errors.Is(err, tt.answers[i]) {
					t.Errorf("offer %d of %v = %v, want %v", i, m, err, tt.answers[i])
				}
				balanced(t, box)
			}
			if got := view(box); got != tt.view {
				t.Errorf("view %q, want %q", got, tt.view)
			}
			if got := strings.Join(letters, ", "); got != tt.letters {
				t.Errorf("letters %q, want %q", got, tt.letters)
			}
			balanced(t, box)
		})
	}
}

// balanced wants the books of a lane right, and its bound kept.
func balanced(t testing.TB, b *mailbox.Box[tick]) mailbox.LaneStats {
	t.Helper()
	l := b.Stats().Lanes[mailbox.Data-1]
	if !l.Balanced() || l.Queued > l.Cap || l.Queued < 0 {
		t.Fatalf("the lane does not balance: %+v", l)
	}
	return l
}

func TestAConflatingLaneNeedsToBeToldWhatItsMessagesAre(t *testing.T) {
	_, err := mailbox.New[tick](conflating(1, 1))
	if !errors.Is(err, mailbox.ErrConfig) {
		t.Fatalf("New() error = %v, want ErrConfig", err)
	}
	for _, want := range []string{"policy = conflate and no Describe", "policy = conflate and no GapOf"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New() error = %q, want it to say %q", err, want)
		}
	}
}

func TestABoundOfAConflatingLaneIsExact(t *testing.T) {
	for _, bound := range [][2]int{{1, 1}, {9, 1}, {62, 1}, {63, 1}, {64, 1}, {1, 64}, {300, 100}} {
		room, keys := bound[0], bound[1]
		b := newConflating(t, conflating(room, keys))
		for i := range keys {
			if err := b.Offer(barrier(mailbox.Key(i), 1, 1)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range room {
			if err := b.Offer(trade(mailbox.Key(i%keys), 2)); err != nil {
				t.Fatalf("room %d, %d keys: event %d: %v", room, keys, i, err)
			}
		}
		if l := balanced(t, b); l.Queued != room+keys || l.Queued != l.Cap {
			t.Fatalf("room %d, %d keys: %d queued", room, keys, l.Queued)
		}
		if err := b.Offer(barrier(mailbox.Key(0), 3, 0)); !errors.Is(err, mailbox.ErrFull) {
			t.Fatalf("room %d, %d keys: a second barrier = %v, want ErrFull", room, keys, err)
		}
		if err := b.OfferWait(t.Context(), trade(0, 3)); !errors.Is(err, mailbox.ErrPolicy) {
			t.Fatalf("OfferWait() = %v, want ErrPolicy", err)
		}
		if l := balanced(t, b); l.Queued != l.Cap {
			t.Fatalf("room %d, %d keys: %d queued after refusals", room, keys, l.Queued)
		}
	}
}

func TestEventsOfAConflatingLane(t *testing.T) {
	var told []string
	cfg := conflating(2, 1)
	cfg.Events = mailbox.Events{
		Gapped: func(class string, k mailbox.Key, from, to uint64) {
			told = append(told, fmt.Sprint("gapped ", k, " ", from, "-", to))
		},
		KeysExhausted: func(class string) { told = append(told, "keys exhausted") },
		Refused: func(_ string, _ mailbox.Lane, r mailbox.Reason) {
			told = append(told, "refused "+r.String())
		},
		Dropped: func(_ string, _ mailbox.Lane, r mailbox.Reason, n int) {
			told = append(told, fmt.Sprint("dropped ", r, " ", n))
		},
	}
	b := newConflating(t, cfg)
	for _, m := range []tick{trade(0, 1), trade(0, 2), trade(0, 3), trade(0, 4), quoted(1, 1), quoted(2, 1)} {
		_ = b.Offer(m)
	}
	want := []string{
		"refused gapped", "gapped 0 1-3", "dropped overflow 2", "refused gapped",
		"refused keys", "keys exhausted", "refused keys",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if l := balanced(t, b); l.Gaps != 1 || l.Queued != 1 {
		t.Errorf("%d gaps and %d queued, want one", l.Gaps, l.Queued)
	}
}

// A loss of anything but a State would be a hole in its stream, so nothing else grows too old.
func TestStatesAloneGrowTooOldInAConflatingLane(t *testing.T) {
	now := int64(1000)
	cfg := conflating(9, 3)
	cfg.Now = func() int64 { return now }
	cfg.Lanes[mailbox.Data-1].TTL = 100
	var letters []string
	b := newConflating(t, cfg, mailbox.Deadline(func(m tick) int64 { return int64(m.n) }), mailbox.Sink(func(l mailbox.Letter[tick]) {
		letters = append(letters, fmt.Sprint(l.Message, " ", l.Reason))
	}))
	late := quoted(0, 1)
	late.n = 999
	if err := b.Offer(late); !errors.Is(err, mailbox.ErrExpired) {
		t.Errorf("offer of a state past its deadline = %v, want ErrExpired", err)
	}
	lateTrade := trade(1, 1)
	lateTrade.n = 999
	for _, m := range []tick{quoted(0, 2), lateTrade, barrier(2, 1, 0)} {
		if err := b.Offer(m); err != nil {
			t.Fatal(err)
		}
	}
	now = 1099
	if err := b.Offer(quoted(2, 2)); err != nil {
		t.Fatal(err)
	}
	if got := b.Stats().Lanes[mailbox.Data-1].OldestAge; got != 99*time.Nanosecond {
		t.Errorf("oldest age = %s, want 99ns", got)
	}
	now = 1100
	buf := make([]mailbox.Item[tick], 9)
	if n := b.Take(buf); n != 3 || buf[0].Message.String() != "bE1" || buf[2].Message.String() != "cS2" || buf[2].At != 1099 {
		t.Errorf("took %v", buf[:n])
	}
	if fmt.Sprint(letters) != "[aS2 expired]" {
		t.Errorf("letters %v, want the old state", letters)
	}
	balanced(t, b)
}

// The place of a busy key in a lane that nobody reads is as old as its first message.
func TestABusyKeyDoesNotLookYoung(t *testing.T) {
	now := int64(1000)
	cfg := conflating(9, 1)
	cfg.Now = func() int64 { return now }
	b := newConflating(t, cfg)
	for i := range 200 {
		now++
		if err := b.Offer(quoted(0, uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.Stats().Lanes[mailbox.Data-1].OldestAge; got != 199 {
		t.Errorf("oldest age = %d, want 199", got)
	}
}

func TestCloseBuriesWhatAConflatingLaneHeld(t *testing.T) {
	var letters []string
	b := newConflating(t, conflating(2, 2), mailbox.Sink(func(l mailbox.Letter[tick]) {
		letters = append(letters, fmt.Sprint(l.Message, " ", l.Reason))
	}))
	for _, m := range []tick{barrier(0, 1, 0), quoted(0, 2), trade(1, 1), trade(0, 3), trade(1, 2)} {
		_ = b.Offer(m)
	}
	letters = nil
	if n := b.Close(mailbox.Stopped).Total(); n != 3 {
		t.Errorf("drained %d, want 3", n)
	}
	if got := fmt.Sprint(letters); got != "[aB1 stopped aS2 stopped bGap1-2 stopped]" {
		t.Errorf("letters %v", got)
	}
	if err := b.Offer(quoted(0, 9)); !errors.Is(err, mailbox.ErrClosed) {
		t.Errorf("offer to a closed box = %v, want ErrClosed", err)
	}
	balanced(t, b)
}

func TestConflatingAllocatesNothing(t *testing.T) {
	const keys = 10
	b := newConflating(t, conflating(100, keys), mailbox.Sink(func(mailbox.Letter[tick]) {}))
	buf := make([]mailbox.Item[tick], 200)
	seq := uint64(0)
	turn := func() {
		for i := range 400 { // states, and events that tear gaps
			seq++
			m := trade(mailbox.Key(i%keys), seq)
			if i%3 == 0 {
				m.Kind = mailbox.State
			}
			_ = b.Offer(m)
		}
		for k := range keys {
			_ = b.Offer(snapshot(mailbox.Key(k), seq))
		}
		b.Take(buf)
	}
	turn()
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Errorf("%v allocations a turn, want 0", n)
	}
	if l := balanced(t, b); l.Gaps == 0 || l.Dropped.Of(mailbox.Overflow) < 10*keys {
		t.Errorf("the turns tore no gaps: %+v", l)
	}
}

// stream is what the test below knows of one key: what was sent, and what became of it.
type stream struct {
	sent []sending
	seen []tick // by the consumer
}

type sending struct {
	m        tick
	accepted bool
	replaced bool // a Barrier that a newer one replaced
}

// TestWhatAConflatingLaneDeliversIsTrue offers random streams and takes at random. What the consumer sees of a key is what
// was sent, in order, with States missing alone; each missing Event lies in a gap that comes before all that was sent
// after it and behind the last Barrier before it; the last State comes, unless a Barrier made it void.
func TestWhatAConflatingLaneDeliversIsTrue(t *testing.T) {
	t.Logf("-mailbox.seed=%d", *seed)
	for round := range 300 {
		checkConflation(t, *seed+uint64(round))
		if t.Failed() {
			return
		}
	}
}

func checkConflation(t *testing.T, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	keys := 1 + r.IntN(5)
	streams := make([]stream, keys)
	letters, accepted := 0, 0
	b := newConflating(t, conflating(1+r.IntN(12), keys), mailbox.Sink(func(l mailbox.Letter[tick]) {
		letters++
		if l.Message.Kind == mailbox.Barrier && l.Reason == mailbox.Conflated {
			streams[l.Message.Key].sent[l.Message.n].replaced = true
		}
	}))
	var item [1]mailbox.Item[tick]
	take := func() bool {
		if b.Take(item[:]) == 0 {
			return false
		}
		s := &streams[item[0].Message.Key]
		s.seen = append(s.seen, item[0].Message)
		return true
	}
	for range 400 {
		k := r.IntN(keys)
		s := &streams[k]
		m := randomTick(r, mailbox.Key(k), len(s.sent))
		s.sent = append(s.sent, sending{m: m})
		err := b.Offer(m)
		s.sent[m.n].accepted = err == nil
		if err == nil {
			accepted++
		}
		for r.IntN(3) == 0 && take() {
		}
		if l := balanced(t, b); l.Accepted != uint64(accepted)+l.Gaps || l.Dropped.Total() != uint64(letters) {
			t.Fatalf("seed %d: senders: %d accepted, %d letters, box %+v", seed, accepted, letters, l)
		}
	}
	for take() {
	}
	for k := range streams {
		if err := streams[k].check(); err != nil {
			t.Errorf("-mailbox.seed=%d: key %d: %v\nsent %v\nseen %v", seed, k, err, streams[k].sent, streams[k].seen)
		}
	}
}

// randomTick is the n-th message of a key, from 1 on so that no Seq is 0.
func randomTick(r *rand.Rand, k mailbox.Key, n int) tick {
	seq := uint64(n + 10)
	var m tick
	switch p := r.IntN(20); {
	case p < 9:
		m = trade(k, seq)
	case p < 17:
		m = quoted(k, seq-uint64(r.IntN(10)/8*3)) // some are late
	case p < 18:
		m = snapshot(k, seq)
	default:
		m = barrier(k, seq, uint8(r.IntN(3)))
	}
	m.n = n
	return m
}

func (s *stream) check() error {
	seenAt := make(map[int]int) // where each that was sent is in what was seen
	last := -1
	for at, m := range s.seen {
		if m.isGap() {
			continue
		}
		if m.n <= last {
			return fmt.Errorf("%v came out of order", m)
		}
		last = m.n
		seenAt[m.n] = at
	}
	newest, wanted := uint64(0), uint64(0) // of the States since the last Barrier: seen, accepted
	for n, x := range s.sent {
		_, seen := seenAt[n]
		if seen && !x.accepted {
			return fmt.Errorf("%v came and was refused", x.m)
		}
		switch x.m.Kind {
		case mailbox.Event:
			if !seen && !s.covered(n, seenAt) {
				return fmt.Errorf("no gap tells of %v in time", x.m)
			}
		case mailbox.Barrier:
			if x.accepted && seen == x.replaced {
				return fmt.Errorf("%v: seen %v, replaced %v", x.m, seen, x.replaced)
			}
			if x.accepted {
				newest, wanted = 0, 0
			}
		case mailbox.State:
			if seen {
				newest = max(newest, x.m.Seq)
			}
			if x.accepted {
				wanted = max(wanted, x.m.Seq)
			}
		}
	}
	if newest < wanted {
		return fmt.Errorf("the last state %d did not come, only %d", wanted, newest)
	}
	return nil
}

// covered says whether a gap tells of the missing Event n.
func (s *stream) covered(n int, seenAt map[int]int) bool {
	from, to := 0, len(s.seen)
	for m, at := range seenAt {
		if m > n {
			to = min(to, at)
		} else if s.sent[m].m.Kind == mailbox.Barrier {
			from = max(from, at)
		}
	}
	for _, m := range s.seen[from:to] {
		if m.isGap() && m.from <= s.sent[n].m.Seq && s.sent[n].m.Seq <= m.to {
			return true
		}
	}
	return false
}

// A GapOf that panics is a bug of its maker, whose consumer gets the panic; nobody else may find the box locked.
func TestAGapOfThatPanicsLeavesTheBoxInOrder(t *testing.T) {
	b, err := mailbox.New(conflating(1, 1), mailbox.Describe(describe),
		mailbox.GapOf(func(mailbox.Key, uint64, uint64) tick { panic("no gap") }))
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(3) {
		_ = b.Offer(trade(1, seq))
	}
	func() {
		defer func() {
			if p := recover(); p != "no gap" {
				t.Errorf("panic %v, want that of GapOf", p)
			}
		}()
		var item [1]mailbox.Item[tick]
		b.Take(item[:])
	}()
	if err := b.Offer(snapshot(1, 9)); err != nil {
		t.Fatalf("Offer() afterwards = %v, want nil", err)
	}
	_ = b.Offer(trade(1, 10))
	_ = b.Offer(trade(1, 11)) // torn again
	b.Close(mailbox.Stopped)
	if s := b.Stats().Lanes[mailbox.Data-1]; !s.Balanced() || s.Queued != 0 {
		t.Fatalf("counts %+v do not balance", s)
	}
}
