package node_test

import (
	"errors"
	"io"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
)

// kept is where elsewhere has every file, whatever directory is named: that of a demonstration must be a new one.
const kept = "journal"

type elsewhere struct{ journal.FS }

func in(name string) string { return path.Join(kept, filepath.Base(name)) }

func (elsewhere) MkdirAll(string) error                        { return nil }
func (e elsewhere) Create(name string) (journal.File, error)   { return e.FS.Create(in(name)) }
func (e elsewhere) Open(name string) (journal.File, error)     { return e.FS.Open(in(name)) }
func (e elsewhere) OpenRead(name string) (journal.File, error) { return e.FS.OpenRead(in(name)) }
func (e elsewhere) List(string) ([]string, error)              { return e.FS.List(kept) }
func (e elsewhere) Rename(from, to string) error               { return e.FS.Rename(in(from), in(to)) }
func (e elsewhere) Remove(name string) error                   { return e.FS.Remove(in(name)) }
func (e elsewhere) SyncDir(string) error                       { return e.FS.SyncDir(kept) }
func (e elsewhere) Lock(name, text string) (io.Closer, error)  { return e.FS.Lock(in(name), text) }

// filled leaves a journal with some whole segments of records that are nobody's, the last one nearly full.
func filled(t *testing.T, disk journal.FS, name, group string) {
	t.Helper()
	l, _, err := journal.Open(disk, kept, journal.Options{
		Node: name, Group: group, Segment: journal.SegmentMin, Floor: 1, Wall: func() int64 { return 1 },
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 47 { // 15 and a short one are a segment
		if _, err := l.Append(journal.KindFirst+100, 1, make([]byte, 4000)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestANodeStartsFromACheckpointWhenWhatItCoversIsGone runs until the journal's first segment is gone, and then again on what is left.
func TestANodeStartsFromACheckpointWhenWhatItCoversIsGone(t *testing.T) {
	t.Parallel()
	disk := journal.NewFaultFS(journal.NewMemFS(1))
	disk.AnswerFree(plenty)
	if err := disk.MkdirAll(kept); err != nil {
		t.Fatal(err)
	}
	change := func(c *node.DemoConfig) {
		if len(segments(t, disk)) == 0 {
			filled(t, disk, c.Node.Node.Node.ID, c.Node.Node.Journal.Group)
		}
		c.Disk = elsewhere{disk}
		c.Change = func(p *node.Plan) {
			quick(p)
			p.Journal.Segment, p.Journal.Floor, p.Journal.Keep = journal.SegmentMin, 2*journal.SegmentMin, time.Nanosecond
		}
	}
	h := open(t, shipped(), change)
	first := segments(t, disk)[0]
	h.until("the end of the first segment", func() bool { return segments(t, disk)[0] != first })
	h.trades()
	h.end()
	was := h.Node().Stands("A1").Positions
	again := open(t, shipped(), change)
	again.until("an owner that has read the journal", func() bool { return again.Node().Stands("A1").Generation > 0 })
	// Its session stays down, since this exchange is a new one and knows of no message that the journal has.
	now := again.Node().Stands("A1")
	if now.Partial != nil || !slices.Equal(now.Positions, was) {
		t.Errorf("it stands at %v, %v; want %v as before", now.Positions, now.Partial, was)
	}
	if records := journal.Read(disk, kept, 1); !refuses(records) {
		t.Error("LSN 1 is still there")
	}
}

// refuses reports whether a log cannot be read from its first record on.
func refuses(records iter.Seq2[journal.Record, error]) bool {
	for _, err := range records {
		return errors.Is(err, journal.ErrCorrupt)
	}
	return false
}

func segments(t *testing.T, disk journal.FS) (out []string) {
	t.Helper()
	names, err := disk.List(kept)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasSuffix(n, ".seg") {
			out = append(out, n)
		}
	}
	return out
}
