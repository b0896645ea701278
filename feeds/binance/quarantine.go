package binance

import "github.com/failshut/failshut/feeds"

// flaps notes that a broken book is about to be made anew, and reports whether that is once too often.
func (y *symbol) flaps(now int64, l feeds.Limits) bool {
	kept := y.again[:0]
	for _, at := range y.again {
		if now-at < int64(l.RecoverySpan) {
			kept = append(kept, at)
		}
	}
	y.again = append(kept, now)
	return len(y.again) >= l.Recoveries
}

// quarantine shuts a book until an operator, or a retry where there are some left, says otherwise.
func (f *Feed) quarantine(y *symbol, why string) {
	y.oracle.forget()
	f.unwait(y)
	f.desk.Turn(y.seat, feeds.Quarantined, why)
	if l := f.cfg.Limits; !f.cfg.Offline && y.retries < l.Retries {
		y.retries++
		y.retryAt = f.now + int64(l.Retry)
		if f.due == 0 || y.retryAt < f.due {
			f.due = y.retryAt
		}
	}
}

// lift lets a quarantined book try again, from a new snapshot on.
func (f *Feed) lift(y *symbol) {
	y.retryAt = 0
	y.again = y.again[:0]
	if y.seat.Own() == feeds.Quarantined {
		f.desk.Turn(y.seat, feeds.Syncing, "retry")
	}
}

// retryDue lifts the quarantines whose time has come.
func (f *Feed) retryDue() {
	if f.due == 0 || f.now < f.due {
		return
	}
	f.due = 0
	for _, y := range f.order {
		switch {
		case y.retryAt == 0:
		case f.now >= y.retryAt:
			f.lift(y)
		case f.due == 0 || y.retryAt < f.due:
			f.due = y.retryAt
		}
	}
}
