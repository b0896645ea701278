package strategy

// DecisionOf exposes the name of a wish for tests that count them.
var (
	DataDecision = func(inc uint32, feed uint8, kind byte, epoch uint32, seq uint64, n uint16) Decision {
		return dataRoot(inc, feed, kind, epoch, seq).nth(n)
	}
	ReportDecision = func(lsn uint64, kind byte, n uint16) Decision { return reportRoot(lsn, kind).nth(n) }
	TimerDecision  = func(key string, due int64, n uint16) Decision { return timerRoot(key, due).nth(n) }
	StartDecision  = func(inc uint32, epoch uint64, n uint16) Decision { return startRoot(inc, epoch).nth(n) }
	OnceDecision   = once
)
