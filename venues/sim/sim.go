// Package sim is the embedded exchange: a price-time matching engine, a seeded background order flow, a fault plan, and the
// ledger that is the truth against which every promise about orders is judged. It also holds the paper venue, which fills
// orders from a recorded book. It is public because every user of the project needs an exchange to test against.
//
// It serves P3 and P4 as their judge (what reached the venue, how often, and what was filled), and P9: an Engine is a pure
// function of its configuration and inputs, so the same inputs give the same ledger byte for byte.
//
// It never decides risk, never reads a clock (every input carries its time) and never opens a socket: FIX order entry and
// the ITCH feed are codecs in front of Port and MarketEvent.
package sim
