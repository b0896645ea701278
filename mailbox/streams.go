package mailbox

import "math/bits"

// stream is what waits of one key in a conflating lane.
type stream struct {
	key         Key
	first, last index
	state       index // there is at most one
	barrier     index // the last one
	barriers    int32 // gaps among them
	gapped      bool  // Events were lost, and no Snapshot has come since
}

// streams are those of all keys that were seen, numbered from 1. None is forgotten, so a table with linear probing over
// them does what a map would, in less time.
type streams struct {
	all   []stream
	table []index // a power of two long and at most half full; 0 is a free entry
}

// of finds the stream of a key, or begins it, and gives 0 where that would be one more than limit.
func (ss *streams) of(k Key, limit int) index {
	if 2*len(ss.all) >= len(ss.table) {
		ss.grow()
	}
	at := ss.find(k)
	if ss.table[at] == 0 && len(ss.all) < limit {
		ss.all = append(ss.all, stream{key: k})
		ss.table[at] = index(len(ss.all)) //nolint:gosec // at most maxPlaces
	}
	return ss.table[at]
}

// find is the entry of a key, or the free one where it belongs. The product spreads keys that are numbered in a row.
func (ss *streams) find(k Key) int {
	mask := len(ss.table) - 1
	at := int(uint64(k) * 0x9e3779b97f4a7c15 >> bits.LeadingZeros64(uint64(mask))) //nolint:gosec // less than the length
	for ss.table[at] != 0 && ss.all[ss.table[at]-1].key != k {
		at = (at + 1) & mask
	}
	return at
}

func (ss *streams) grow() {
	ss.table = make([]index, max(16, 2*len(ss.table)))
	for i := range ss.all {
		ss.table[ss.find(ss.all[i].key)] = index(i + 1) //nolint:gosec // at most maxPlaces
	}
}
