package feeds

import "github.com/failshut/failshut/market"

// Counts is what a feed has seen since it was made. Field names are those of the verify report; "messages" are
// delivered messages, each counted once.
type Counts struct {
	Packets, Messages, Heartbeats, Control  uint64
	Malformed, UnknownTypes                 uint64
	Gaps, GapMessages                       uint64
	GapUnsized                              bool // a gap whose size nobody can know
	Resets, Strays                          uint64
	Duplicates, Conflicts, Reordered        uint64
	StaleDropped                            uint64
	Snapshots, SnapshotsRejected, Unapplied uint64
	UnknownOrders, Contradictions           uint64
	UnknownLevels                           uint64
	ChecksumsOK, ChecksumsBad               uint64
	Crossed, Locked                         uint64
	OracleOK, OracleBad, OracleSkipped      uint64
	Refused                                 uint64 // symbols shut for a number beyond the range or precision of ours
	LateJoin, EndOfSession                  bool
	Torn                                    bool // the last line ended within a frame

	First, Last market.Timestamp // of well-formed packets and received control frames
	Received    bool             // First and Last are receive times, else event times
	Silences    uint64
	MaxSilence  int64 // ns; -1 without receive times
}

// seen takes the time of a well-formed packet or received control frame. A silence is counted where heartbeat is
// above 0 and recv follows the one before by more than three of them.
func (c *Counts) seen(recv, event market.Timestamp, heartbeat int64) {
	at := recv
	if recv == 0 {
		at = event
	}
	if at == 0 {
		return
	}
	if c.First == 0 {
		c.First, c.Last, c.Received = at, at, recv != 0
		if recv == 0 {
			c.MaxSilence = -1
		}
		return
	}
	if c.Received && recv != 0 {
		d := int64(recv - c.Last)
		c.MaxSilence = max(c.MaxSilence, d)
		if heartbeat > 0 && d > 3*heartbeat {
			c.Silences++
		}
	}
	c.Last = at
}
