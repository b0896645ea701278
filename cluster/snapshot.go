package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// snapshots is the engine's file store with what it lacks: a checksum over what
// it says of a snapshot (which entry it ends at, who the members were), kept in
// front of the content, and no way back to an older one. When the newest is
// damaged the node must not start from an older state.
type snapshots struct{ *raft.FileSnapshotStore }

// metaSize is what stands before the content: u32 CRC32C of the description · u32 version.
const metaSize = 8

func metaHead(index, term uint64, members raft.Configuration, membersIndex uint64) []byte {
	var b []byte
	for _, n := range []uint64{index, term, membersIndex} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = append(b, raft.EncodeConfiguration(members)...)
	head := binary.LittleEndian.AppendUint32(nil, crc32.Checksum(b, crcTable))
	return binary.LittleEndian.AppendUint32(head, 1)
}

// List implements the engine's SnapshotStore: the newest one, or none.
func (s snapshots) List() ([]*raft.SnapshotMeta, error) {
	all, err := s.FileSnapshotStore.List()
	return all[:min(1, len(all))], err
}

// Create implements the engine's SnapshotStore.
func (s snapshots) Create(version raft.SnapshotVersion, index, term uint64, members raft.Configuration, membersIndex uint64, trans raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.FileSnapshotStore.Create(version, index, term, members, membersIndex, trans)
	if err != nil {
		return nil, err
	}
	if _, err := sink.Write(metaHead(index, term, members, membersIndex)); err != nil {
		return nil, errors.Join(err, sink.Cancel())
	}
	return sink, nil
}

// Open implements the engine's SnapshotStore.
func (s snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, content, err := s.FileSnapshotStore.Open(id)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: snapshot %s: %w", ErrCorrupt, id, err)
	}
	var head [metaSize]byte
	_, err = io.ReadFull(content, head[:])
	if want := metaHead(meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex); err == nil && string(head[:]) != string(want) {
		err = fmt.Errorf("its description has checksum and version % x, want % x", want, head)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%w: snapshot %s: %w", ErrCorrupt, id, err), content.Close())
	}
	meta.Size -= metaSize
	return meta, content, nil
}

// verifySnapshots refuses a directory with a snapshot that cannot be told, and a
// log that begins behind the newest one: what is missing between is lost.
func verifySnapshots(dir string, st *store, log hclog.Logger) error {
	all, err := raft.NewFileSnapshotStoreWithLogger(filepath.Dir(dir), math.MaxInt32, log)
	if err != nil {
		return err
	}
	list, err := all.List()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	n := 0
	for _, e := range entries {
		if e.IsDir() && !strings.HasSuffix(e.Name(), ".tmp") {
			n++
		}
	}
	if n != len(list) {
		return fmt.Errorf("%w: %s: %d snapshots, %d can be read", ErrCorrupt, dir, n, len(list))
	}
	first, err := st.FirstIndex()
	if err != nil {
		return err
	}
	var snap uint64
	if len(list) > 0 {
		snap = list[0].Index
	}
	if first > snap+1 {
		return fmt.Errorf("%w: the log begins at entry %d, the newest snapshot ends at %d", ErrCorrupt, first, snap)
	}
	return nil
}
