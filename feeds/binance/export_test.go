package binance

// Plain reads a quoted decimal on the fast way, and returns the bytes taken.
func Plain(b []byte) (v int64, taken int, ok bool) {
	s := scanner{b: b}
	v, ok = s.plain()
	return v, s.i, ok
}
