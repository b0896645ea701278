// Package fix is the FIX 4.4 acceptor of an exchange: a codec in front of the sim.Port, on the engine of quickfixgo. What a client sends is
// decoded into the same requests that in-process order entry makes, and what the exchange says is encoded as it comes, so the
// exchange, its faults and its ledger are one and the same.
//
// It numbers, keeps and resends messages, as a venue does; it judges none of them. Sequence numbers on the lines of the ledger
// are those of the requests, and the exchange's own count of its replies.
package fix
