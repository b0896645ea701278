// Package risk answers one question: may this order leave? Every doubt is answered with no: an unset limit, a price that is not
// Live, a permission that ran out, a term that is not opened, a latch, a replica that has not caught up.
//
// It keeps promise P1 by escrow, which needs no clock: what may still be executed at a venue is charged against capacity that the
// replicated ledger granted, and stays charged until the venue or a proof says otherwise. It keeps P2 by starting everything
// CLOSED (the zero Mode), P7 by letting cancels pass in every mode and by latching a trip without anybody's help, P8 by addressing
// capacity to one incarnation of a holder, and P9 by being step functions of their input.
//
// The package never reads a clock, opens no socket, starts no goroutine of its own, and never frees capacity by time: time only
// shuts. The rules are in DESIGN.md.
package risk
