// Package simtest runs the order side of a whole node in one thread and ends it where it hurts: the owner of an account
// over its journal on a disk that loses what was not synced, a risk gate that opens by the real conditions, and in-process
// order entry at the embedded exchange, which lives on. The exchange's ledger judges what the node believes.
//
// It serves P3 (one intent, one order), P4 (fills once), P1 (the worst case is never above its limit) and P9 (the same seed
// gives the same journal) as their judge over crashes. Nothing of a life outlives it but what a machine keeps: the synced
// part of its disk, the replicated log of risk, and what is on the wire. It reads no clock, starts no goroutine, and takes
// every choice from the seed, so that one number repeats a run. It forgives nothing: a finding is never explained away, and
// a run in which nothing was in flight proves nothing and says so.
package simtest

import (
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// Config is one run.
type Config struct {
	Seed  uint64
	Point Point
	// Horizon has orders leave ahead of the disk, under names of blocks that are set aside.
	Horizon bool
	// Defect is built into every life of the node, to show that the judges see it. The zero value is none.
	Defect Defect

	weather weather
}

// weather is what a run is about. The zero value is a crash at a point.
type weather uint8

const (
	crashes weather = iota
	losses          // a venue and a link that lose whatever they can
	storms          // reports that come again and again, in every way that they can
)

// Defect is something broken in a node, to show that a run finds it. The zero value is none.
type Defect struct {
	// Parts changes what the owner of the account is made of, before its journal is read. Nil changes nothing.
	Parts func(p *orders.Parts)
	// Ear changes what the link hands to the owner. Nil changes nothing.
	Ear func(in orders.Inbound) orders.Inbound
	// Counter keeps the session's inbound counter apart from the evidence.
	Counter bool
	// Resend sends an order again when it is asked for and nothing was ever heard of it.
	Resend bool
	// Ahead lets orders leave before the disk has them.
	Ahead bool
}

// Bounds of a run.
const (
	account    = market.Account("A1")
	session    = "A1"
	strategy   = "s"
	nodeName   = "n1"
	group      = "10"
	journalDir = "journal"

	positionLimit = 120 * market.Unit // greatest worst case of the account, either way
	openWithin    = 60 * time.Second  // virtual time within which a life opens
	openRough     = 20 * time.Minute
	step          = 2 * time.Millisecond
	tickEvery     = 100 * time.Millisecond
	mostActions   = 20_000 // of a life that waits for its point
	roughActions  = 100_000
)

var acme = market.MustListed("SIM", "ACME")

// horizonFor draws the mode of a run that is about no point: a third of the seeds leave ahead of the disk.
func horizonFor(seed uint64) bool { return seed%3 == 0 }
