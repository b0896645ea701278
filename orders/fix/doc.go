// Package fix is order entry over FIX 4.4: the initiator of one venue session, on the engine of quickfixgo, behind orders.Gateway.
// It carries requests out and evidence in, and keeps the part of P3 that is the wire's: what was handed over once is never sent
// again, by nobody and at no later time, and what cannot be known to have left is in doubt and not failed. Cancels go ahead of
// orders (P7).
//
// It decides nothing about orders, opens no session by itself, and keeps no message: where the next life goes on is in the
// journal's evidence. DESIGN.md says what of the engine is used, what is kept from it, and why.
package fix
