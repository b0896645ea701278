package risk

// Fallen says that something which every gate rests on is not there, the log or the journal or the holder, and shuts them all at
// once, whatever permission is left: CLOSED for why, until Fallen is called with "". It is for whoever sees the parts of the node
// come and go, and is told of by nobody who fell. Safe for any number of goroutines; the last word counts.
func (d *Desk) Fallen(why Code) {
	if why == "" {
		d.fallen.Store(nil)
		return
	}
	d.fallen.Store(&why)
}
