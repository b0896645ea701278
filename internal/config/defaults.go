package config

import "time"

// DefaultNode holds the value of every key that may be absent. What a node must say is zero here, and so a mistake
// when it is not said.
func DefaultNode() Node {
	return Node{
		Node:        Self{Dispatch: "shared", Log: Log{Level: "info", Format: "json"}},
		Cluster:     Cluster{Raft: defaultRaft()},
		Journal:     defaultJournal(),
		Orders:      defaultOrders(),
		Risk:        defaultRisk(),
		Telemetry:   Telemetry{Runtime: 10 * time.Second},
		Supervision: defaultSupervision(),
		Watchdog: Watchdog{
			Disk: DiskWatch{
				Slow: 400 * time.Millisecond, Dead: 2 * time.Second,
				NoGrants: GiB, NoGrantsBps: 500, NoGrantsBpsFrom: 20 * GiB, Shut: 128 * MiB, Ballast: 16 * MiB,
			},
			Clock: ClockWatch{Step: 50 * time.Millisecond},
		},
	}
}

func defaultRaft() Raft {
	return Raft{
		Heartbeat: 200 * time.Millisecond, Election: 200 * time.Millisecond, Lease: 100 * time.Millisecond,
		Commit: 5 * time.Millisecond, SnapshotInterval: time.Minute, SnapshotEntries: 20000, Trailing: 20000, SnapshotsKept: 3,
	}
}

func defaultJournal() Journal {
	return Journal{
		Segment: 64 * MiB, Floor: GiB, Keep: 168 * time.Hour, Queue: 16384,
		Batch: Batch{Records: 4096, Bytes: MiB},
	}
}

func defaultOrders() Orders {
	return Orders{
		Block: 1024, TTL: time.Second, AnswerAfter: 2 * time.Second, QuietAfter: 30 * time.Second,
		AbsentNeeded: 2, AbsentSpacing: 2 * time.Second, AskAgain: BaseCap{time.Second, 30 * time.Second},
		BlockUnknown: "instrument", WriteStuck: 250 * time.Millisecond, RetainIDs: 168 * time.Hour,
	}
}

// defaults are what a feed in the list starts from.
func (f *Feed) defaults() {
	*f = Feed{
		Staleness:  Staleness{Heartbeats: 3},
		Hold:       Hold{Datagrams: 64, For: 20 * time.Millisecond},
		Recovery:   Recovery{Requests: 8, Retry: 100 * time.Millisecond, Tries: 5, GiveUp: time.Second, Ring: 65536, RingBytes: 64 * MiB},
		Snapshots:  PerSecondBurst{1, 10},
		Quarantine: Quarantine{Recoveries: 5, Within: time.Minute, RetryAfter: 5 * time.Minute, Retries: 3},
		Record:     Record{RollSize: 256 * MiB, RollEvery: time.Hour},
	}
}

func defaultRisk() Risk {
	return Risk{
		Permission: Permission{TTL: 500 * time.Millisecond, Renew: 100 * time.Millisecond, CancelAfter: 5 * time.Second},
		Opening: Opening{
			Collect: 300 * time.Millisecond, OrphanAfter: 3 * time.Second,
			AdoptAfter: 5 * time.Second, StuckAfter: 10 * time.Second,
		},
		FirstOpen: "operator",
		Escrow: Escrow{
			Batch: 100 * time.Millisecond, Urgent: 5 * time.Millisecond, AskFor: 2 * time.Second,
			AskMinBps: 100, AskMaxBps: 2500, LowFreeBps: 1000, ReturnAfter: 5 * time.Second,
		},
		NearLimit: NearLimit{Queue: 64, Wait: 50 * time.Millisecond, FromBps: 500},
		Trip:      TripKeys{Resend: 100 * time.Millisecond},
		Controls:  Controls{SelfTrade: "cancel_new"},
	}
}

func defaultSupervision() Supervision {
	second := time.Second
	return Supervision{
		Budget: Budget{20, 10 * second},
		Root:   Intensity{3, 60 * second},
		Groups: Groups{
			Venues:     Intensity{10, 60 * second},
			Account:    Group{5, 60 * second, Backoff{100 * time.Millisecond, 10 * second, 60 * second}},
			Feeds:      Intensity{10, 60 * second},
			Channel:    Group{5, 60 * second, Backoff{100 * time.Millisecond, 10 * second, 60 * second}},
			Strategies: Intensity{10, 60 * second},
			Strategy:   Group{3, 60 * second, Backoff{second, 60 * second, 5 * time.Minute}},
			Risk:       Group{3, 60 * second, Backoff{100 * time.Millisecond, 2 * second, 60 * second}},
		},
		Watchdogs: Timeouts{
			Control: 5 * second, Journal: 5 * second, Cluster: 5 * second, Risk: second, Session: 2 * second,
			Orders: second, Reconciler: 5 * second, Feed: second, Strategy: second,
		},
		Shutdown: Timeouts{
			Control: 2 * second, Journal: 5 * second, Cluster: 5 * second, Risk: 2 * second, Session: 2 * second,
			Orders: 2 * second, Reconciler: 2 * second, Feed: second, Strategy: second,
		},
		Phases:   StopPhases{second, 5 * second, 5 * second},
		Journal:  DecisionKeys{16 * MiB, 4},
		Recorder: 64,
	}
}
