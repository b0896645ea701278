package breakers_test

import (
	"errors"
	"fmt"
	"slices"
	"testing/synctest"
	"time"
)

// cell is what came out: "" in how is that the library holds.
type cell struct{ how string }

func breaks(format string, args ...any) cell { return cell{fmt.Sprintf(format, args...)} }

// holds is the cell of a library that is not caught.
var holds = cell{}

// trip fails five calls, which opens any of them.
func trip(b breaker) {
	for range 5 {
		_ = b.run(func() error { return errDown }) // the error is the one it was given
	}
}

// half trips one and waits until it is ready for a probe.
func half(b breaker) {
	trip(b)
	pass(2 * time.Second)
}

// recovers says whether a breaker closes within ten tries, 40 seconds apart, of a dependency that is well.
func recovers(b breaker) cell {
	for range 10 {
		if err := b.run(func() error { return nil }); err == nil && b.state() == "closed" {
			return holds
		}
		pass(40 * time.Second)
	}
	return breaks("%s for ever", b.state())
}

// panicked is a probe that panics.
func panicked(b breaker) cell {
	half(b)
	func() {
		defer func() { _ = recover() }()                         // the panic that is planted below
		_ = b.run(func() error { panic("a bug in the caller") }) // it does not return
	}()
	pass(24 * time.Hour)
	return recovers(b)
}

// lost is a probe of which nobody ever tells the result.
func lost(b breaker) cell {
	half(b)
	if _, ok := b.begin(); !ok {
		return breaks("no probe")
	}
	pass(24 * time.Hour)
	return recovers(b)
}

// late is a success of a call from before the outage, which comes while a probe runs that decides.
func late(b breaker) cell {
	old, ok := b.begin()
	if !ok {
		return breaks("refuses when closed")
	}
	half(b)
	end, ok := b.begin()
	if !ok {
		return breaks("no probe")
	}
	old(nil)
	s := b.state()
	end(errDown)
	if s != "half-open" {
		return breaks("%s while the probe still runs", s)
	}
	return holds
}

// twice is a failure that is told twice: three of them are less than five.
func twice(b breaker) cell {
	for range 3 {
		end, ok := b.begin()
		if !ok {
			return breaks("opens after fewer calls than failures in a row are wanted")
		}
		end(errDown)
		end(errDown)
	}
	if s := b.state(); s != "closed" {
		return breaks("%s: three failures count as six", s)
	}
	return holds
}

// thunder is a thousand who ask at the moment at which it is half open.
func thunder(b breaker) cell {
	half(b)
	var ends []func(error)
	for range 1000 {
		if end, ok := b.begin(); ok {
			ends = append(ends, end)
		}
	}
	n := len(ends)
	for _, end := range ends {
		end(errDown)
	}
	if n != 1 {
		return breaks("%d probes at once", n)
	}
	return holds
}

// quiet is an hour without a call after it has opened: does anybody hear that it may be asked again?
func quiet(b breaker) cell {
	trip(b)
	pass(time.Hour)
	synctest.Wait()
	if !slices.Contains(b.told(), "half-open") {
		return breaks("told at the next call only")
	}
	return holds
}

// slow is a dependency that always answers, after ten seconds.
func slow(b breaker) cell {
	for range 200 {
		err := b.run(func() error {
			pass(10 * time.Second)
			return nil
		})
		if errors.Is(err, errRefused) {
			return holds
		}
	}
	return breaks("%s after 200 calls of 10 s", b.state())
}

// held is an operator who wants it open, and a day.
func held(b breaker) cell {
	if !b.hold() {
		return breaks("cannot be opened from outside")
	}
	pass(24 * time.Hour)
	if err := b.run(func() error { return nil }); !errors.Is(err, errRefused) {
		return breaks("lets calls through after its delay")
	}
	return holds
}

// together trips a thousand of them at one moment: the server that comes back is not to be asked by all at one moment.
func together(fresh func() breaker) cell {
	all := make([]breaker, 1000)
	for i := range all {
		all[i] = fresh()
		trip(all[i])
	}
	const step = 10 * time.Millisecond
	var asked [130]int // by step
	var ends []func(error)
	for i := range asked {
		for j, b := range all {
			if b == nil {
				continue
			}
			if end, ok := b.begin(); ok {
				asked[i]++
				ends = append(ends, end)
				all[j] = nil
			}
		}
		pass(step)
	}
	for _, end := range ends {
		end(errDown)
	}
	most := 0
	for i := range len(asked) - 10 {
		sum := 0
		for _, n := range asked[i : i+10] {
			sum += n
		}
		most = max(most, sum)
	}
	if most > len(all)/4 {
		return breaks("%d %% of all probes within 100 ms", most*100/len(all))
	}
	return holds
}

// pass lets fake time pass.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // every cell is played in a bubble of synctest
}
