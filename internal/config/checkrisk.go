package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func (d *decoder) checkRisk(n *Node, known declared) {
	r := n.Risk
	if r.Permission.Renew*2 >= r.Permission.TTL {
		d.mistake("risk.permission.renew", "risk.permission.renew is %v, want less than half of ttl = %v", r.Permission.Renew, r.Permission.TTL)
	}
	if r.Escrow.AskMinBps > r.Escrow.AskMaxBps {
		d.mistake("risk.escrow.ask_min_bps", "risk.escrow.ask_min_bps is %d, want at most ask_max_bps = %d", r.Escrow.AskMinBps, r.Escrow.AskMaxBps)
	}
	d.checkEntitlements(r.Controls, n, known)
	for i, s := range r.Controls.Restricted {
		d.refer(fmt.Sprintf("risk.controls.restricted[%d]", i), "instrument", string(s), known.symbols)
	}
	for i, l := range r.Controls.ShortSale.Locates {
		path := fmt.Sprintf("risk.controls.short_sale.locates[%d]", i)
		d.refer(path+".account", "account", string(l.Account), known.accounts)
		d.refer(path+".symbol", "instrument", string(l.Symbol), known.symbols)
	}
	if s := r.Controls.Loss.DayStarts; s != "" && dayStart(s) != nil {
		d.mistake("risk.controls.loss.day_starts", "risk.controls.loss.day_starts is %q, want a time of day such as 00:00", s)
	}
	if z := r.Controls.Loss.Zone; z != "" {
		if _, err := time.LoadLocation(z); err != nil {
			d.mistake("risk.controls.loss.zone", "risk.controls.loss.zone is %q, want a time zone such as UTC", z)
		}
	}
	for i, name := range r.Controls.Observe {
		path := fmt.Sprintf("risk.controls.observe[%d]", i)
		d.mistake(path, "%s is %q, want nothing: every control of this version is enforced or refuses", path, name)
	}
	d.checkScopes(r.Limits, known)
}

func (d *decoder) checkEntitlements(c Controls, n *Node, known declared) {
	traders := namesOf(n.Admin.Tokens, func(t Token) string { return t.Name })
	distinct(d, c.Entitlements, "risk.controls.entitlements", ".account", func(e Entitlement) string { return string(e.Account) })
	for i, e := range c.Entitlements {
		path := fmt.Sprintf("risk.controls.entitlements[%d]", i)
		d.refer(path+".account", "account", string(e.Account), known.accounts)
		for j, s := range e.Strategies {
			d.refer(fmt.Sprintf("%s.strategies[%d]", path, j), "strategy", s, known.strategies)
		}
		for j, t := range e.Traders {
			d.refer(fmt.Sprintf("%s.traders[%d]", path, j), "token", t, traders)
		}
		for j, v := range e.Venues {
			d.refer(fmt.Sprintf("%s.venues[%d]", path, j), "venue", string(v), known.venues)
		}
		for j, s := range e.Instruments {
			d.refer(fmt.Sprintf("%s.instruments[%d]", path, j), "instrument", string(s), known.symbols)
		}
	}
}

// checkScopes judges the shape of each row's scope and the names in it: account/strategy/instrument, where * is the sum
// over all and + is each one separately.
func (d *decoder) checkScopes(rows []LimitRow, known declared) {
	distinct(d, rows, "risk.limits", ".scope", func(r LimitRow) string { return r.Scope })
	for i, row := range rows {
		path := fmt.Sprintf("risk.limits[%d].scope", i)
		if row.Scope == "" {
			continue
		}
		parts := strings.Split(row.Scope, "/")
		if len(parts) != 3 || slices.Contains(parts, "") {
			d.mistake(path, "%s is %q, want account/strategy/instrument", path, row.Scope)
			continue
		}
		if parts[1] != "*" && parts[0] == "*" {
			d.mistake(path, "%s is %q, want an account (or +) before a strategy", path, row.Scope)
		}
		for k, kind := range []struct {
			what  string
			names []string
		}{{"account", known.accounts}, {"strategy", known.strategies}, {"instrument", known.symbols}} {
			if parts[k] != "*" && parts[k] != "+" {
				d.refer(path, kind.what, parts[k], kind.names)
			}
		}
	}
}
