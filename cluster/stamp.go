package cluster

import (
	"slices"

	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// raft-wal v0.4.2 writes its own codec's id into every new segment, whatever
// codec it was given, and then refuses to open what it wrote. The two wrappers
// below write our id where it asks for a segment and where it keeps its list of
// them, so the disk says what it holds and a log of another format is refused.

type stampedMeta struct{ types.MetaStore }

func newStampedMeta() stampedMeta { return stampedMeta{&metadb.BoltMetaDB{}} }

// CommitState implements the store's MetaStore.
func (m stampedMeta) CommitState(s types.PersistentState) error {
	s.Segments = slices.Clone(s.Segments)
	for i := range s.Segments {
		s.Segments[i].Codec = codecID
	}
	return m.MetaStore.CommitState(s)
}

type stampedFiler struct{ types.SegmentFiler }

func newStampedFiler(dir string) stampedFiler { return stampedFiler{segment.NewFiler(dir, fs.New())} }

// Create implements the store's SegmentFiler. Segments that are opened again
// have our id in the list already.
func (f stampedFiler) Create(info types.SegmentInfo) (types.SegmentWriter, error) {
	info.Codec = codecID
	return f.SegmentFiler.Create(info)
}
