package feeds

import "github.com/failshut/failshut/market"

// Recv returns the receive time of the packet under way, 0 where the input has none. It is for codecs whose messages
// say only the time of day.
func (d *Desk) Recv() market.Timestamp { return d.recv }
