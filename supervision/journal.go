package supervision

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/failshut/failshut/internal/journal"
)

// Journal says where a tree keeps the journal of its decisions: every input with what else was known, and a hash of what was
// decided, for a replay. It is written without sync and beside the tree: a full queue drops records and counts them, a log that
// dies is told once, and neither delays or ends anything.
type Journal struct {
	Dir   string     // of its own; "" keeps no journal
	Node  string     // whose it is, 1 to 64 bytes; "" is "tree". Another's files are not written into
	Size  int64      // of a file in bytes, 64 KiB to 1 GiB; 0 is 16 MiB
	Files int        // kept besides the one that is written; 0 is 4
	Disk  journal.FS // nil is the operating system's

	queue int // records that may wait for the disk; 0 is queueMax
}

const (
	// stateEvery is how many decisions stand between two whole states: a gap costs at most so many.
	stateEvery = 1000
	// queueMax is how many records may wait for the disk.
	queueMax = 4096

	// group is what every file of such a journal says that it is.
	group = "supervision"

	recordVersion = 2
	kindDecision  = journal.KindFirst
	kindState     = journal.KindFirst + 1
	// The first byte of a record's body: a body that is too long for one record goes on in those behind it.
	pieceFirst byte = 1
	pieceLast  byte = 2
	pieceMax        = journal.MaxBody - 1
)

func (o Journal) options() journal.Options {
	size := cmp.Or(o.Size, 16<<20)
	return journal.Options{
		Node: cmp.Or(o.Node, "tree"), Group: group, Segment: size, Floor: 2 * size, Files: cmp.Or(o.Files, 4), NoSync: true,
		Queue: queueMax,
	}
}

// pieces cuts a body into what fits into records.
func pieces(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		mark := pieceFirst
		for {
			n := min(len(body), pieceMax)
			if n == len(body) {
				mark |= pieceLast
			}
			if !yield(append([]byte{mark}, body[:n]...)) || mark&pieceLast != 0 {
				return
			}
			body, mark = body[n:], 0
		}
	}
}

// gatherer puts pieces together again. The first of a body must be there: without it the rest says nothing.
type gatherer struct {
	kind journal.Kind
	body []byte
	open bool
}

// take gives a body when its last piece has come; it is good until the next piece.
func (g *gatherer) take(r journal.Record) (body []byte, whole bool) {
	switch {
	case len(r.Body) == 0:
		return nil, false
	case r.Body[0]&pieceFirst != 0:
		g.kind, g.body, g.open = r.Kind, g.body[:0], true
	case !g.open || g.kind != r.Kind:
		g.open = false
		return nil, false
	}
	g.body = append(g.body, r.Body[1:]...)
	whole = r.Body[0]&pieceLast != 0
	g.open = !whole
	return g.body, whole
}

// ReplayJournal decides again about all that the records of a journal say, in their order, and holds the outcome against what
// they say of it. It reads to the end, or to the first error: a record that is none of such a journal, or of another version.
func ReplayJournal(records iter.Seq2[journal.Record, error]) (Replay, error) {
	var j judge
	var g gatherer
	for r, err := range records {
		if err != nil {
			j.Damage = cmp.Or(j.Damage, err)
			g.open = false
			continue
		}
		if r.Kind == journal.KindEpoch {
			if of, err := journal.DecodeEpochBody(r.Body); err == nil && of.Group != group {
				return j.Replay, fmt.Errorf("%w: it is the journal of group %q, want %q", errCodec, of.Group, group)
			}
			j.life()
			g.open = false
			continue
		}
		if err := j.take(&g, r); err != nil {
			return j.Replay, fmt.Errorf("record %d: %w", r.LSN, err)
		}
	}
	return j.Replay, nil
}

func (j *judge) take(g *gatherer, r journal.Record) error {
	if !slices.Contains([]journal.Kind{kindDecision, kindState}, r.Kind) {
		return fmt.Errorf("%w: kind = %d, want %d or %d", errCodec, r.Kind, kindDecision, kindState)
	}
	if r.Version != recordVersion {
		return fmt.Errorf("%w: version = %d, want %d", errCodec, r.Version, recordVersion)
	}
	body, whole := g.take(r)
	switch {
	case !whole:
		return nil
	case r.Kind == kindState:
		return j.state(body)
	}
	return j.decision(body)
}
