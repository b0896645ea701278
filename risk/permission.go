package risk

// Permission lets a node's gates admit orders until a deadline on both clocks. It is made when the node's own replica applies the
// node's own Sync, in the term that is opened, and runs from the moment that Sync was sent. It is not changed once made.
type Permission struct {
	Incarnation uint64
	Term        uint64
	Until       Reading
}

// valid reports whether the permission holds now. The zero and the nil permission never do.
func (p *Permission) valid(now Reading) bool {
	return p != nil && p.Incarnation > 0 && p.Term > 0 && now.Mono < p.Until.Mono && now.Wall < p.Until.Wall
}

// ended is what is left of a permission that something other than time has taken: nobody's, with the deadline it had, so that its loss
// closes no sooner than any other. Of one that never was nothing is left.
func (p *Permission) ended() *Permission {
	if p == nil {
		return nil
	}
	return &Permission{Until: p.Until}
}

// local reasons in a word that a gate reads at once: mode in the low byte, reason above.
const (
	localUnknown = iota
	localJournalDead
	localJournalCorrupt
	localDiskFull
	localDiskSlow
	localDiskStuck
	localSessionDown
	localReconciling
	localUnknownOrders
	localDifference
	localClockJump
	localStopping
	localFatal
	localPermission
	localStale
	localNoHolder
	localNone
)

var localCodes = [...]Code{
	localUnknown: CodeJournalUnknown, localJournalDead: CodeJournalDead, localJournalCorrupt: CodeJournalCorrupt,
	localDiskFull: CodeDiskFull, localDiskSlow: CodeDiskSlow, localDiskStuck: CodeDiskStuck,
	localSessionDown: CodeSessionDown, localReconciling: CodeReconciling, localUnknownOrders: CodeUnknownOrders,
	localDifference: CodeDifference, localClockJump: CodeClockJump, localStopping: CodeStopping, localFatal: CodeDigest,
	localPermission: CodeNoPermission, localStale: CodeStaleIncarnation, localNoHolder: CodeHolderSilent, localNone: "",
}

func packLocal(m Mode, reason int) uint32 { return uint32(m) | uint32(reason)<<8 }

// unpackLocal reads the word; the zero word is CLOSED because nobody has said how the journal is.
func unpackLocal(w uint32) (Mode, Code) {
	reason := int(w >> 8)
	if reason >= len(localCodes) {
		return Closed, CodeInvalid
	}
	return Mode(w & 0xff), localCodes[reason]
}
