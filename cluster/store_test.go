package cluster

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"
)

func openTestStore(t *testing.T, dir string) *store {
	t.Helper()
	s, err := openStore(dir, 64<<10, engineLog(nil))
	if err != nil {
		t.Fatalf("openStore() error = %v", err)
	}
	return s
}

func TestStableValuesAreChecked(t *testing.T) {
	s := openTestStore(t, t.TempDir())
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	if got, err := s.GetUint64([]byte("never set")); got != 0 || err != nil {
		t.Fatalf("GetUint64() = %d, %v, want 0", got, err)
	}
	if err := s.SetUint64([]byte("LastVoteTerm"), 7); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GetUint64([]byte("LastVoteTerm")); got != 7 || err != nil {
		t.Fatalf("GetUint64() = %d, %v, want 7", got, err)
	}
	raw, err := s.wal.Get([]byte("LastVoteTerm"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		bad := append([]byte(nil), raw...)
		bad[i/8] ^= 1 << (i % 8)
		if err := s.wal.Set([]byte("LastVoteTerm"), bad); err != nil {
			t.Fatal(err)
		}
		if _, err := s.GetUint64([]byte("LastVoteTerm")); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d flipped: GetUint64() error = %v, want ErrCorrupt", i, err)
		}
	}
	if err := s.wal.Set([]byte("CurrentTerm"), raw); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetUint64([]byte("CurrentTerm")); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a value under another key: error = %v, want ErrCorrupt", err)
	}
}

func TestLogThatWasCutOnPurposeIsNotTakenForALostEnd(t *testing.T) {
	dir := t.TempDir()
	s := openTestStore(t, dir)
	for i := range uint64(20) {
		if err := s.StoreLog(&raft.Log{Index: i + 1, Term: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteRange(15, 20); err != nil { // A new leader's log is another from 15 on.
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s = openTestStore(t, dir)
	if last, err := s.LastIndex(); last != 14 || err != nil {
		t.Fatalf("LastIndex() = %d, %v, want 14", last, err)
	}
	if err := s.StoreLog(&raft.Log{Index: 15, Term: 2}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteRange(1, 10); err != nil { // Behind a snapshot.
		t.Fatal(err)
	}
	if s.mark.index != 15 {
		t.Fatalf("mark = %d, want 15", s.mark.index)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s = openTestStore(t, dir)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}

func TestMarkOutlivesEitherSlot(t *testing.T) {
	name := t.TempDir() + "/mark"
	m, err := openMark(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5) {
		if err := m.set(i + 1); err != nil {
			t.Fatal(err)
		}
	}
	flip := func(at int64) {
		var b [1]byte
		if _, err := m.f.ReadAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 4
		if _, err := m.f.WriteAt(b[:], at); err != nil {
			t.Fatal(err)
		}
	}
	read := func() (uint64, error) {
		again := mark{f: m.f}
		err := again.read()
		return again.index, err
	}
	for at := range int64(markSlot) {
		flip(at)
		if got, err := read(); got != 5 || err != nil {
			t.Fatalf("older slot, byte %d: mark = %d, %v, want 5", at, got, err)
		}
		flip(markGap + at)
		if _, err := read(); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("both slots, byte %d: error = %v, want ErrCorrupt", at, err)
		}
		flip(at)
		if got, err := read(); got != 4 || err != nil {
			t.Fatalf("newer slot, byte %d: mark = %d, %v, want 4", at, got, err)
		}
		flip(markGap + at)
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
}
