// Package orders takes an intent that the risk gate has permitted to a venue,
// and what the venue says back to a position, over any crash.
//
// It keeps P3 (an intent reaches a venue at most once; a lost answer is the
// state UNKNOWN), P4 (every execution counts once), P7 (a cancel needs no
// journal, permit or leader), the order side of P1 (the worst case it holds is
// never too small) and P9 (the same records give the same state).
//
// [Machine] is the whole of the rules: a pure step function without goroutine,
// clock or I/O. [Desk] joins it to a journal, a gate and a gateway, still
// without a goroutine; the actor around it is a thin shell.
//
// The package never decides risk, never reads a clock, never opens a socket
// and never sends anything twice but a cancel.
package orders
