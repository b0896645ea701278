package mailbox

import "sync/atomic"

// brim lets a full lane refuse without its lock: senders that go on offering would else keep the consumer from it, who
// alone can make room. A lane that was found full stays so until something is taken, or the box changes its state.
type brim struct {
	at      atomic.Uint64 // one more than taken when the lane was found full, 0: not known to be full
	refused atomic.Uint64 // without the lock; they are not in counts
}

// brimming says whether the lane is still as full as it was found.
func (l *lane[M]) brimming() bool {
	at := l.brim.at.Load()
	return at != 0 && at == l.taken.Load()+1
}

// noteBrim remembers that the lane is full, if it is: others than the consumer make no room in it. The box must be locked.
func (l *lane[M]) noteBrim() {
	if (l.policy == Reject || l.policy == Block) && !l.mayExpire() && l.merges == nil && l.depth() >= l.bound {
		l.brim.at.Store(l.seen + 1)
	}
}

// forget must be called, with the box locked, where the answer to an offer may change and nothing is taken.
func (br *brim) forget() { br.at.Store(0) }
