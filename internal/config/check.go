package config

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/failshut/failshut/market"
)

// mistake records a broken rule at the place of path's value.
func (d *decoder) mistake(path, format string, args ...any) {
	d.add(d.at(path), path, fmt.Sprintf(format, args...), "")
}

// refer checks that a name used at path is one of those declared, and offers the nearest one.
func (d *decoder) refer(path, what, name string, known []string) {
	if name == "" || slices.Contains(known, name) {
		return
	}
	suggestion := ""
	if near := nearest(name, known); near != "" {
		suggestion = fmt.Sprintf("did you mean %q?", near)
	}
	d.add(d.at(path), path, fmt.Sprintf("unknown %s %q", what, name), suggestion)
}

// distinct reports every later item of a list that says the same as an earlier one.
func distinct[T any](d *decoder, list []T, path, key string, name func(T) string) {
	first := map[string]int{}
	for i, x := range list {
		n := name(x)
		if n == "" {
			continue
		}
		if j, dup := first[n]; dup {
			d.mistake(fmt.Sprintf("%s[%d]%s", path, i, key), "%s[%d]%s is %q, which is %s[%d]%s too", path, i, key, n, path, j, key)
			continue
		}
		first[n] = i
	}
}

func namesOf[T any](list []T, name func(T) string) []string {
	out := make([]string, 0, len(list))
	for _, x := range list {
		out = append(out, name(x))
	}
	return out
}

// declared are the names a node file defines, for the references in it.
type declared struct {
	nodes, venues, accounts, feeds, symbols, strategies []string
}

func (d *decoder) checkNode(f *File, strategies Strategies) {
	n := f.Node
	known := declared{
		nodes:      namesOf(n.Cluster.Peers, func(p Peer) string { return p.ID }),
		venues:     namesOf(n.Venues, func(v Venue) string { return string(v.Name) }),
		feeds:      namesOf(n.Feeds, func(x Feed) string { return x.Name }),
		symbols:    namesOf(n.Instruments, func(l Listing) string { return string(l.Symbol) }),
		strategies: namesOf(n.Strategies, func(s Strategy) string { return s.Name }),
	}
	for _, v := range n.Venues {
		known.accounts = append(known.accounts, namesOf(v.Accounts, func(a Account) string { return string(a.Account) })...)
	}
	d.checkCluster(n, known)
	d.checkAdmin(n.Admin)
	d.checkJournal(n.Journal)
	d.checkFeeds(n, known)
	d.checkInstruments(n, known)
	d.checkVenues(n, known)
	d.checkRisk(n, known)
	d.checkLimits(f)
	d.checkStrategies(n, known, strategies)
	d.checkWatchdog(n.Watchdog)
	f.warn(d, n)
}

func (f *File) warn(d *decoder, n *Node) {
	if n.Risk.FirstOpen == "auto" {
		at := d.at("risk.first_open")
		f.Warnings = append(f.Warnings, Mistake{
			Line: at.line, Column: at.column, Key: "risk.first_open",
			Message: "risk.first_open is auto: the first start of a cluster opens without an operator", Excerpt: excerpt(d.lines, at),
		})
	}
}

func (d *decoder) checkCluster(n *Node, known declared) {
	c := n.Cluster
	distinct(d, c.Peers, "cluster.peers", ".id", func(p Peer) string { return p.ID })
	distinct(d, c.Peers, "cluster.peers", ".addr", func(p Peer) string { return p.Addr })
	d.refer("node.id", "node", n.Node.ID, known.nodes)
	voters := 0
	for i, p := range c.Peers {
		d.address(fmt.Sprintf("cluster.peers[%d].addr", i), p.Addr, c.TLS.Mode == "none")
		if p.Role == "voter" {
			voters++
		}
	}
	if len(c.Peers) > 0 && voters != 1 && voters != 3 && voters != 5 {
		d.mistake("cluster.peers", "cluster.peers has %d voters, want 1, 3 or 5", voters)
	}
	d.address("cluster.listen", c.Listen, c.TLS.Mode == "none")
	d.certificates("cluster.tls", c.TLS)
	if c.Raft.Lease > c.Raft.Heartbeat {
		d.mistake("cluster.raft.lease", "cluster.raft.lease is %v, want at most heartbeat = %v", c.Raft.Lease, c.Raft.Heartbeat)
	}
	if c.Raft.Election < c.Raft.Heartbeat {
		d.mistake("cluster.raft.election", "cluster.raft.election is %v, want at least heartbeat = %v", c.Raft.Election, c.Raft.Heartbeat)
	}
}

// address checks host:port; without TLS nothing but loopback may be spoken to.
func (d *decoder) address(path, addr string, loopbackOnly bool) {
	if addr == "" {
		return
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		d.mistake(path, "%s is %q, want ADDRESS:PORT with a numeric address", path, addr)
		return
	}
	if loopbackOnly && !ap.Addr().IsLoopback() {
		d.mistake(path, "%s is %q, want a loopback address while tls is none", path, addr)
	}
}

func (d *decoder) certificates(path string, t TLS) {
	if t.Mode == "none" || t.Mode == "" {
		return
	}
	for _, want := range []struct{ key, value string }{{"cert", t.Cert}, {"key", t.Key}, {"ca", t.CA}} {
		if want.value == "" && (want.key != "ca" || t.Mode == "mutual") {
			d.mistake(path, "key %q is missing in %s, want a file for mode %s", want.key, path, t.Mode)
		}
	}
}

// exampleTokens are the digests of the tokens that the example file prints in clear.
var exampleTokens = []string{
	"936093b5b26c03d725dc87d98a15ab7fd87053222ebe2b2349aca52d537d90f7",
	"14e1e8bdc2f1aff6828ff46b193a3c84575cc5993ec48587ed3fae120bdf6a96",
}

func (d *decoder) checkAdmin(a Admin) {
	d.address("admin.listen", a.Listen, a.TLS.Mode == "none")
	d.certificates("admin.tls", a.TLS)
	distinct(d, a.Tokens, "admin.tokens", ".name", func(t Token) string { return t.Name })
	ap, err := netip.ParseAddrPort(a.Listen)
	public := err == nil && !ap.Addr().IsLoopback()
	for i, t := range a.Tokens {
		path := fmt.Sprintf("admin.tokens[%d].sha256", i)
		if raw, err := hex.DecodeString(t.SHA256); t.SHA256 != "" && (err != nil || len(raw) != 32) {
			d.mistake(path, "%s is %q, want 64 hexadecimal digits", path, t.SHA256)
		}
		if public && slices.Contains(exampleTokens, t.SHA256) {
			d.mistake(path, "%s is an example token, want one of your own on a listener that is not loopback", path)
		}
	}
	for i, u := range a.UIDs {
		if u.UID != "self" && strings.Trim(u.UID, "0123456789") != "" {
			path := fmt.Sprintf("admin.uids[%d].uid", i)
			d.mistake(path, "%s is %q, want self or a number", path, u.UID)
		}
	}
}

// crockford is the alphabet of ClOrdIDs, whose first two characters the group is.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func (d *decoder) checkJournal(j Journal) {
	if j.Group != "" && (len(j.Group) != 2 || strings.Trim(j.Group, crockford) != "") {
		d.mistake("journal.group", "journal.group is %q, want two characters of %s", j.Group, crockford)
	}
	if j.Floor < 2*j.Segment {
		d.mistake("journal.floor", "journal.floor is %v, want at least two segments of %v", j.Floor, j.Segment)
	}
}

func (d *decoder) checkFeeds(n *Node, known declared) {
	distinct(d, n.Feeds, "feeds", ".name", func(f Feed) string { return f.Name })
	for i, f := range n.Feeds {
		path := fmt.Sprintf("feeds[%d]", i)
		d.refer(path+".venue", "venue", string(f.Venue), known.venues)
		d.address(path+".request", f.Request, false)
		d.address(path+".snapshot", f.Snapshot, false)
		if len(f.Lines) == 0 {
			d.mistake(path+".lines", "%s.lines is empty, want at least one line", path)
		}
		distinct(d, f.Lines, path+".lines", ".name", func(l Line) string { return l.Name })
		for j, l := range f.Lines {
			d.address(fmt.Sprintf("%s.lines[%d].group", path, j), l.Group, false)
		}
	}
}

func (d *decoder) checkInstruments(n *Node, known declared) {
	distinct(d, n.Instruments, "instruments", ".symbol", func(l Listing) string { return string(l.Symbol) })
	for i, l := range n.Instruments {
		path := fmt.Sprintf("instruments[%d]", i)
		d.refer(path+".venue", "venue", string(l.Venue), known.venues)
		d.lots(path, l.Lot, l.MinQty, l.MaxQty)
	}
}

func (d *decoder) lots(path string, lot, low, high market.Qty) {
	if low > high {
		d.mistake(path+".min_qty", "%s.min_qty is %v, want at most max_qty = %v", path, low, high)
	}
	if lot > 0 && low%lot != 0 {
		d.mistake(path+".min_qty", "%s.min_qty is %v, want a multiple of lot = %v", path, low, lot)
	}
	if lot > 0 && high%lot != 0 {
		d.mistake(path+".max_qty", "%s.max_qty is %v, want a multiple of lot = %v", path, high, lot)
	}
}

func (d *decoder) checkVenues(n *Node, known declared) {
	distinct(d, n.Venues, "venues", ".name", func(v Venue) string { return string(v.Name) })
	entitled := namesOf(n.Risk.Controls.Entitlements, func(e Entitlement) string { return string(e.Account) })
	seen := map[market.Account]string{}
	for i, v := range n.Venues {
		path := fmt.Sprintf("venues[%d]", i)
		if v.Session.Connect.Base > v.Session.Connect.Cap {
			d.mistake(path+".session.connect.base", "%s.session.connect.base is %v, want at most cap = %v", path, v.Session.Connect.Base, v.Session.Connect.Cap)
		}
		if n.Orders.Mode == "horizon" && (!v.Dialect.MassStatus || !v.Dialect.Resend) {
			d.mistake(path+".dialect", "orders.mode is horizon, want mass_status and resend true in %s.dialect", path)
		}
		for j, a := range v.Accounts {
			at := fmt.Sprintf("%s.accounts[%d]", path, j)
			d.checkAccount(at, a, known, seen)
			if !slices.Contains(entitled, string(a.Account)) {
				d.mistake(at+".account", "%s.account is %q, which has no entry in risk.controls.entitlements: want one, even of nobody", at, a.Account)
			}
		}
	}
}

func (d *decoder) checkAccount(path string, a Account, known declared, seen map[market.Account]string) {
	if first, dup := seen[a.Account]; dup {
		d.mistake(path+".account", "%s.account is %q, which is %s too", path, a.Account, first)
	}
	seen[a.Account] = path + ".account"
	d.address(path+".addr", a.Addr, false)
	d.refer(path+".home", "node", a.Home, known.nodes)
	for k, s := range a.Standby {
		at := fmt.Sprintf("%s.standby[%d]", path, k)
		d.refer(at, "node", s, known.nodes)
		if s == a.Home {
			d.mistake(at, "%s is %q, want another node than home", at, s)
		}
	}
}

func (d *decoder) checkStrategies(n *Node, known declared, strategies Strategies) {
	distinct(d, n.Strategies, "strategies", ".name", func(s Strategy) string { return s.Name })
	for i, s := range n.Strategies {
		path := fmt.Sprintf("strategies[%d]", i)
		d.refer(path+".account", "account", string(s.Account), known.accounts)
		for j, name := range s.Feeds {
			d.refer(fmt.Sprintf("%s.feeds[%d]", path, j), "feed", name, known.feeds)
		}
		for j, symbol := range s.Instruments {
			d.refer(fmt.Sprintf("%s.instruments[%d]", path, j), "instrument", string(symbol), known.symbols)
		}
		if strategies == nil {
			continue
		}
		names := strategies.Names()
		sort.Strings(names)
		d.refer(path+".use", "strategy", s.Use, names)
		if into := strategies.Params(s.Use); into != nil {
			d.params(s.Params, into, path+".params")
		}
	}
}

func (d *decoder) checkWatchdog(w Watchdog) {
	if w.Disk.Shut > w.Disk.NoGrants {
		d.mistake("watchdog.disk.shut", "watchdog.disk.shut is %v, want at most no_grants = %v", w.Disk.Shut, w.Disk.NoGrants)
	}
	if w.Disk.Ballast >= w.Disk.Shut {
		d.mistake("watchdog.disk.ballast", "watchdog.disk.ballast is %v, want less than shut = %v", w.Disk.Ballast, w.Disk.Shut)
	}
	if w.Disk.Slow >= w.Disk.Dead {
		d.mistake("watchdog.disk.slow", "watchdog.disk.slow is %v, want less than dead = %v", w.Disk.Slow, w.Disk.Dead)
	}
}

// dayStart reads a time of day as hours and minutes.
func dayStart(s string) error {
	_, err := time.Parse("15:04", s)
	return err
}
