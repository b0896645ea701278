// Package itch reads and writes the messages of ITCH 5.0, as published in "Nasdaq TotalView-ITCH 5.0": every order of
// a market by itself, from which the books are made. A Codec keeps them behind a feeds.Channel; the Append functions
// write the messages of a venue.
//
// It keeps P5 for them: a message that cannot follow what came before (an order that is not there, one that is there
// already, more executed than rests) proves that something was lost, and turns its symbol Suspect; a number that cannot be
// held exactly shuts its symbol. It never skips such a message and goes on. It reads no clock and does no I/O.
// DESIGN.md says why the books are kept this way.
package itch

import "github.com/failshut/failshut/market"

// The message types.
const (
	systemEvent     = 'S'
	stockDirectory  = 'R'
	tradingAction   = 'H'
	shortSale       = 'Y'
	marketMaker     = 'L'
	declineLevels   = 'V'
	declineStatus   = 'W'
	quotingPeriod   = 'K'
	auctionCollar   = 'J'
	operationalHalt = 'h'
	addOrder        = 'A'
	addAttributed   = 'F'
	orderExecuted   = 'E'
	executedAtPrice = 'C'
	orderCancel     = 'X'
	orderDelete     = 'D'
	orderReplace    = 'U'
	trade           = 'P'
	crossTrade      = 'Q'
	brokenTrade     = 'B'
	netImbalance    = 'I'
	retailInterest  = 'N'
	directListing   = 'O'
	endOfMessages   = 'C' // code of a system event: the day is over, all books are empty
	startOfMessages = 'O' // code of a system event: the day begins
	buySide         = 'B'
	sellSide        = 'S'
	printable       = 'Y'
	symbolSize      = 8
	stampMost       = 1<<48 - 1
	priceScale      = 100_000 // from 1e-4 to 1e-9
	sharesMost      = (1<<63 - 1) / uint64(market.Unit)
	day             = market.Timestamp(24 * 60 * 60 * 1_000_000_000)
	halfDay         = day / 2
)

// sizes holds the exact length of each type, 0 for one that is not known.
var sizes = [256]uint8{
	systemEvent: 12, stockDirectory: 39, tradingAction: 25, shortSale: 20, marketMaker: 26, declineLevels: 35,
	declineStatus: 12, quotingPeriod: 28, auctionCollar: 35, operationalHalt: 21, addOrder: 36, addAttributed: 40,
	orderExecuted: 31, executedAtPrice: 36, orderCancel: 23, orderDelete: 19, orderReplace: 35, trade: 44,
	crossTrade: 40, brokenTrade: 19, netImbalance: 50, retailInterest: 20, directListing: 48,
}
