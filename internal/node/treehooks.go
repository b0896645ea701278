package node

import "github.com/failshut/failshut/supervision"

// bothTold are hooks that tell a, then b. Either may leave any of them out.
func bothTold(a, b supervision.Events) supervision.Events {
	return supervision.Events{
		Decision: both2(a.Decision, b.Decision), Ended: both1(a.Ended, b.Ended), Ready: both3(a.Ready, b.Ready), Stopped: both3(a.Stopped, b.Stopped),
		Held: both2(a.Held, b.Held), Escalated: both2(a.Escalated, b.Escalated), GaveUp: both2(a.GaveUp, b.GaveUp),
		Zombie: both3(a.Zombie, b.Zombie), Late: both2(a.Late, b.Late), Phase: both4(a.Phase, b.Phase),
		Unstopped: both1(a.Unstopped, b.Unstopped), JournalDropped: both1(a.JournalDropped, b.JournalDropped),
		JournalDead: both1(a.JournalDead, b.JournalDead),
	}
}

func both1[A any](f, g func(A)) func(A) {
	if f == nil {
		return g
	}
	if g == nil {
		return f
	}
	return func(a A) { f(a); g(a) }
}

func both2[A, B any](f, g func(A, B)) func(A, B) {
	if f == nil {
		return g
	}
	if g == nil {
		return f
	}
	return func(a A, b B) { f(a, b); g(a, b) }
}

func both3[A, B, C any](f, g func(A, B, C)) func(A, B, C) {
	if f == nil {
		return g
	}
	if g == nil {
		return f
	}
	return func(a A, b B, c C) { f(a, b, c); g(a, b, c) }
}

func both4[A, B, C, D any](f, g func(A, B, C, D)) func(A, B, C, D) {
	if f == nil {
		return g
	}
	if g == nil {
		return f
	}
	return func(a A, b B, c C, d D) { f(a, b, c, d); g(a, b, c, d) }
}
