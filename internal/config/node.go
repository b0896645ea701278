package config

import (
	"time"

	"github.com/failshut/failshut/market"
)

// Node is one node's configuration. Field by field it is the node file; the tags say what a key may hold, and keys
// marked optional keep the value that the defaults give them.
type Node struct {
	Node        Self        `yaml:"node"`
	Cluster     Cluster     `yaml:"cluster"`
	Admin       Admin       `yaml:"admin"`
	Journal     Journal     `yaml:"journal"`
	Orders      Orders      `yaml:"orders"`
	Feeds       []Feed      `yaml:"feeds"`
	Instruments []Listing   `yaml:"instruments"`
	Risk        Risk        `yaml:"risk"`
	Venues      []Venue     `yaml:"venues"`
	Strategies  []Strategy  `yaml:"strategies"`
	Telemetry   Telemetry   `yaml:"telemetry"`
	Supervision Supervision `yaml:"supervision" opt:""`
	Watchdog    Watchdog    `yaml:"watchdog" opt:""`
}

// Self names the node and where it keeps its state.
type Self struct {
	ID       string `yaml:"id"`
	Data     string `yaml:"data"`
	Dispatch string `yaml:"dispatch" opt:"" one:"shared|loop|pinned"`
	Spin     bool   `yaml:"spin" opt:""`
	Seed     int64  `yaml:"seed" opt:"" min:"0"`
	Log      Log    `yaml:"log" opt:""`
}

// Log says what is logged and how.
type Log struct {
	Level  string `yaml:"level" one:"debug|info|warn|error"`
	Format string `yaml:"format" one:"json|text"`
}

// Cluster is the raft group this node founds or joins.
type Cluster struct {
	Name   string `yaml:"name"`
	Listen string `yaml:"listen"`
	TLS    TLS    `yaml:"tls"`
	Peers  []Peer `yaml:"peers"`
	Raft   Raft   `yaml:"raft" opt:""`
}

// TLS names the certificate files of a listener; mode none is for loopback alone.
type TLS struct {
	Mode string `yaml:"mode" one:"none|server|mutual"`
	Cert string `yaml:"cert" opt:""`
	Key  string `yaml:"key" opt:""`
	CA   string `yaml:"ca" opt:""`
}

// Peer is a founding member of the cluster.
type Peer struct {
	ID   string `yaml:"id"`
	Addr string `yaml:"addr"`
	Role string `yaml:"role" one:"voter|nonvoter"`
}

// Raft holds the clocks and sizes of the replicated log.
type Raft struct {
	Heartbeat        time.Duration `yaml:"heartbeat" opt:"" above:"0s"`
	Election         time.Duration `yaml:"election" opt:"" above:"0s"`
	Lease            time.Duration `yaml:"lease" opt:"" above:"0s"`
	Commit           time.Duration `yaml:"commit" opt:"" above:"0s"`
	SnapshotInterval time.Duration `yaml:"snapshot_interval" opt:"" above:"0s"`
	SnapshotEntries  int           `yaml:"snapshot_entries" opt:"" min:"1"`
	Trailing         int           `yaml:"trailing" opt:"" min:"1"`
	SnapshotsKept    int           `yaml:"snapshots_kept" opt:"" min:"1" max:"16"`
}

// Admin is who may look, close and open, and where they knock.
type Admin struct {
	Socket    Socket  `yaml:"socket"`
	Listen    string  `yaml:"listen"`
	TLS       TLS     `yaml:"tls"`
	Anonymous string  `yaml:"anonymous" one:"none|viewer"`
	UIDs      []UID   `yaml:"uids"`
	Tokens    []Token `yaml:"tokens"`
	Pprof     bool    `yaml:"pprof" opt:""`
}

// Socket is the unix socket of the control API; Path is relative to the node's data directory.
type Socket struct {
	Path string `yaml:"path"`
	Mode string `yaml:"mode" one:"0600|0660"`
}

// UID gives roles to a user of this machine; "self" is the user this process runs as.
type UID struct {
	UID   string   `yaml:"uid"`
	Roles []string `yaml:"roles" one:"viewer|trader|risk|admin"`
}

// Token gives roles to whoever shows the token with this SHA-256.
type Token struct {
	Name   string   `yaml:"name"`
	Roles  []string `yaml:"roles" one:"viewer|trader|risk|admin"`
	SHA256 string   `yaml:"sha256"`
}

// Journal is the durable log of intents and evidence.
type Journal struct {
	Group   string        `yaml:"group"`
	Segment Size          `yaml:"segment" opt:"" min:"64KiB" max:"1GiB"`
	Floor   Size          `yaml:"floor" opt:"" min:"0B"`
	Keep    time.Duration `yaml:"keep" opt:"" above:"0s"`
	Queue   int           `yaml:"queue" opt:"" min:"1"`
	Batch   Batch         `yaml:"batch" opt:""`
}

// Batch bounds what one fdatasync covers.
type Batch struct {
	Records int  `yaml:"records" min:"1"`
	Bytes   Size `yaml:"bytes" min:"64KiB"`
}

// Orders are the defaults of every account; an account may repeat any of them.
type Orders struct {
	Mode          string        `yaml:"mode" one:"journal|horizon"`
	Block         int           `yaml:"block" opt:"" min:"1" max:"65536"`
	TTL           time.Duration `yaml:"ttl" opt:"" above:"0s"`
	AnswerAfter   time.Duration `yaml:"answer_after" opt:"" above:"0s"`
	QuietAfter    time.Duration `yaml:"quiet_after" opt:"" above:"0s"`
	AbsentNeeded  int           `yaml:"absent_needed" opt:"" min:"1"`
	AbsentSpacing time.Duration `yaml:"absent_spacing" opt:"" above:"0s"`
	AskAgain      BaseCap       `yaml:"ask_again" opt:""`
	BlockUnknown  string        `yaml:"block_unknown" opt:"" one:"instrument|account|none"`
	WriteStuck    time.Duration `yaml:"write_stuck" opt:"" above:"0s"`
	RetainIDs     time.Duration `yaml:"retain_ids" opt:"" above:"0s"`
}

// BaseCap is a schedule with full jitter between nothing and a bound that doubles from Base to Cap.
type BaseCap struct {
	Base time.Duration `yaml:"base" above:"0s"`
	Cap  time.Duration `yaml:"cap" above:"0s"`
}

// Feed is one venue's stream.
type Feed struct {
	Name       string         `yaml:"name"`
	Venue      market.Venue   `yaml:"venue"`
	Format     string         `yaml:"format" one:"moldudp64-itch50"`
	Lines      []Line         `yaml:"lines"`
	Request    string         `yaml:"request"`
	Snapshot   string         `yaml:"snapshot" opt:""`
	Heartbeat  time.Duration  `yaml:"heartbeat" above:"0s"`
	Staleness  Staleness      `yaml:"staleness" opt:""`
	Hold       Hold           `yaml:"hold" opt:""`
	Recovery   Recovery       `yaml:"recovery" opt:""`
	Snapshots  PerSecondBurst `yaml:"snapshots" opt:""`
	Quarantine Quarantine     `yaml:"quarantine" opt:""`
	Record     Record         `yaml:"record" opt:""`
}

// Line is one multicast group of a feed.
type Line struct {
	Name      string `yaml:"name"`
	Group     string `yaml:"group"`
	Interface string `yaml:"interface"`
}

// Staleness counts the heartbeats whose silence makes a feed stale.
type Staleness struct {
	Heartbeats int `yaml:"heartbeats" min:"1" max:"1000"`
}

// Hold bounds how long an early datagram waits for the one before it.
type Hold struct {
	Datagrams int           `yaml:"datagrams" min:"1" max:"65536"`
	For       time.Duration `yaml:"for" above:"0s"`
}

// Recovery bounds retransmission.
type Recovery struct {
	Requests  int           `yaml:"requests" min:"1"`
	Retry     time.Duration `yaml:"retry" above:"0s"`
	Tries     int           `yaml:"tries" min:"1"`
	GiveUp    time.Duration `yaml:"give_up" above:"0s"`
	Ring      int           `yaml:"ring" min:"1"`
	RingBytes Size          `yaml:"ring_bytes" min:"64KiB"`
}

// PerSecondBurst is a token bucket.
type PerSecondBurst struct {
	PerSecond int `yaml:"per_second" min:"1"`
	Burst     int `yaml:"burst" min:"1"`
}

// Quarantine says how many recoveries in a time are too many, and when one is tried again.
type Quarantine struct {
	Recoveries int           `yaml:"recoveries" min:"1"`
	Within     time.Duration `yaml:"within" above:"0s"`
	RetryAfter time.Duration `yaml:"retry_after" above:"0s"`
	Retries    int           `yaml:"retries" min:"0"`
}

// Record says where a feed is recorded; an empty directory is nowhere.
type Record struct {
	Dir       string        `yaml:"dir" empty:"ok"`
	RollSize  Size          `yaml:"roll_size" opt:"" min:"1MiB"`
	RollEvery time.Duration `yaml:"roll_every" opt:"" above:"0s"`
}

// Listing is an instrument and its contract.
type Listing struct {
	Symbol     market.Symbol `yaml:"symbol"`
	Venue      market.Venue  `yaml:"venue"`
	Currency   string        `yaml:"currency"`
	Tick       market.Price  `yaml:"tick" above:"0"`
	Lot        market.Qty    `yaml:"lot" above:"0"`
	Multiplier market.Factor `yaml:"multiplier" above:"0"`
	MinQty     market.Qty    `yaml:"min_qty" above:"0"`
	MaxQty     market.Qty    `yaml:"max_qty" above:"0"`
}

// Venue is a place to trade and the accounts there.
type Venue struct {
	Name     market.Venue `yaml:"name"`
	Kind     string       `yaml:"kind" one:"fix|sim|paper"`
	Live     bool         `yaml:"live"`
	Dialect  Dialect      `yaml:"dialect"`
	Accounts []Account    `yaml:"accounts"`
	Session  Session      `yaml:"session"`
	Rate     Rate         `yaml:"rate"`
}

// Dialect says what a venue's order entry can do.
type Dialect struct {
	Version       string `yaml:"version" one:"FIX.4.2|FIX.4.4"`
	MassStatus    bool   `yaml:"mass_status"`
	MassCancel    bool   `yaml:"mass_cancel"`
	Resend        bool   `yaml:"resend"`
	CancelOrig    string `yaml:"cancel_orig" one:"latest|accepted"`
	ReplaceFilled bool   `yaml:"replace_filled"`
	ExecKey       string `yaml:"exec_key" one:"account|symbol|symbol_day"`
	IDLength      int    `yaml:"id_length" min:"13" max:"64"`
}

// Account is one venue account, its session, and the nodes that may own it.
type Account struct {
	Account market.Account `yaml:"account"`
	Addr    string         `yaml:"addr"`
	Sender  string         `yaml:"sender"`
	Target  string         `yaml:"target"`
	Home    string         `yaml:"home"`
	Standby []string       `yaml:"standby" opt:""`
}

// Session is how a venue session is kept.
type Session struct {
	Heartbeat          time.Duration `yaml:"heartbeat" above:"0s"`
	LogonTimeout       time.Duration `yaml:"logon_timeout" above:"0s"`
	Connect            Connect       `yaml:"connect"`
	CancelOnDisconnect bool          `yaml:"cancel_on_disconnect"`
	Password           Secret        `yaml:"password" opt:""`
}

// Connect is the schedule of connecting, with the first attempt spread too.
type Connect struct {
	Base   time.Duration `yaml:"base" above:"0s"`
	Cap    time.Duration `yaml:"cap" above:"0s"`
	Spread time.Duration `yaml:"spread" min:"0s"`
}

// Rate is what the venue allows a second; ReserveBps of it is kept for cancels.
type Rate struct {
	Orders     int `yaml:"orders" min:"1"`
	Cancels    int `yaml:"cancels" min:"1"`
	Questions  int `yaml:"questions" min:"1"`
	ReserveBps int `yaml:"reserve_bps" min:"0" max:"10000"`
}

// Strategy is one strategy under one account. Params are decoded over the strategy's own defaults.
type Strategy struct {
	Name        string          `yaml:"name"`
	Use         string          `yaml:"use"`
	Account     market.Account  `yaml:"account"`
	Feeds       []string        `yaml:"feeds"`
	Instruments []market.Symbol `yaml:"instruments"`
	Params      Raw             `yaml:"params" opt:""`
}

// Telemetry says what is exported.
type Telemetry struct {
	Metrics Metrics       `yaml:"metrics"`
	Traces  Traces        `yaml:"traces"`
	Runtime time.Duration `yaml:"runtime" opt:"" above:"0s"`
}

// Metrics switches /metrics.
type Metrics struct {
	Enabled   bool `yaml:"enabled"`
	Exemplars bool `yaml:"exemplars"`
}

// Traces says where spans go.
type Traces struct {
	Exporter  string        `yaml:"exporter" one:"none|otlp"`
	Endpoint  string        `yaml:"endpoint" empty:"ok"`
	SampleBps int           `yaml:"sample_bps" min:"0" max:"10000"`
	Slow      time.Duration `yaml:"slow" above:"0s"`
}

// Watchdog bounds what disk and clocks may do before the gate shuts.
type Watchdog struct {
	Disk  DiskWatch  `yaml:"disk" opt:""`
	Clock ClockWatch `yaml:"clock" opt:""`
}

// DiskWatch is about the disk under log and journal.
type DiskWatch struct {
	Slow            time.Duration `yaml:"slow" opt:"" above:"0s"`
	Dead            time.Duration `yaml:"dead" opt:"" above:"0s"`
	NoGrants        Size          `yaml:"no_grants" opt:"" min:"0B"`
	NoGrantsBps     int           `yaml:"no_grants_bps" opt:"" min:"0" max:"10000"`
	NoGrantsBpsFrom Size          `yaml:"no_grants_bps_from" opt:"" min:"0B"`
	Shut            Size          `yaml:"shut" opt:"" min:"0B"`
	Ballast         Size          `yaml:"ballast" opt:"" min:"0B"`
}

// ClockWatch is the disagreement of the clocks that shuts.
type ClockWatch struct {
	Step time.Duration `yaml:"step" opt:"" above:"0s"`
}
