package protocol_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func contentExamples(tb testing.TB) []example {
	tb.Helper()
	bulletin := protocoltest.Encode(tb, protocoltest.Bulletin())
	return []example{
		{"bulletin", func() protocoltest.Message { return ptr(protocoltest.Bulletin()) }, bulletinEdits()},
		{"statement", func() protocoltest.Message {
			return ptr(protocoltest.Statement(bulletin, protocol.ClassNormal))
		}, statementEdits()},
		{"approval", func() protocoltest.Message {
			return &protocol.Approval{Statement: []byte("statement"), Signatures: [][]byte{[]byte("first"), []byte("second")}}
		}, []edit{
			refused("no statement", func(a *protocol.Approval) { a.Statement = []byte{} }),
			refused("no signature", func(a *protocol.Approval) { a.Signatures = [][]byte{} }),
			refused("5 signatures", func(a *protocol.Approval) { a.Signatures = repeat(5, []byte("x")) }),
			taken("one signature", func(a *protocol.Approval) { a.Signatures = a.Signatures[:1] }),
			of("malformed", "an empty signature", func(a *protocol.Approval) { a.Signatures[1] = []byte{} }),
			taken("an assertion alone", func(a *protocol.Approval) { a.Signatures, a.Assertions = [][]byte{}, asserted(1) }),
			taken("two signatures, two assertions", func(a *protocol.Approval) { a.Assertions = asserted(2) }),
			refused("two signatures, three assertions", func(a *protocol.Approval) { a.Assertions = asserted(3) }),
			of("malformed", "null signatures", func(a *protocol.Approval) { a.Signatures, a.Assertions = nil, asserted(1) }),
			refused("assertion by a key of 15 bytes", func(a *protocol.Approval) { a.Assertions = asserted(1); a.Assertions[0].Key = make([]byte, 15) }),
			refused("authenticator data of 36 bytes", func(a *protocol.Approval) {
				a.Assertions = asserted(1)
				a.Assertions[0].AuthenticatorData = make([]byte, 36)
			}),
			refused("client data of 1025 bytes", func(a *protocol.Approval) {
				a.Assertions = asserted(1)
				a.Assertions[0].ClientData = make([]byte, 1025)
			}),
			refused("ECDSA of 73 bytes", func(a *protocol.Approval) { a.Assertions = asserted(1); a.Assertions[0].Signature = make([]byte, 73) }),
		}},
		{"airing", func() protocoltest.Message {
			return ptr(protocoltest.Airing(protocoltest.Bulletin(), bulletin, []byte("approval")))
		}, airingEdits()},
		{"plan", func() protocoltest.Message {
			return ptr(protocoltest.Plan(protocoltest.Airing(protocoltest.Bulletin(), bulletin, []byte("approval"))))
		}, planEdits()},
		{"plan-head", func() protocoltest.Message {
			return ptr(protocoltest.PlanHead([]byte("plan"), protocoltest.Number(0), []byte("list")))
		}, planHeadEdits()},
		{"stop", func() protocoltest.Message { return ptr(protocoltest.Stop()) }, stopEdits()},
	}
}

// asserted returns n assertions of the right lengths.
func asserted(n int) []protocol.Assertion {
	as := make([]protocol.Assertion, n)
	for i := range as {
		as[i] = protocol.Assertion{Key: make([]byte, 16), AuthenticatorData: make([]byte, 37), ClientData: []byte("{}"), Signature: make([]byte, 72)}
	}
	return as
}

func bulletinEdits() []edit {
	type T = protocol.Bulletin
	edits := version(func(b *T, v uint64) { b.Version = v })
	for name, id := range badIDs() {
		edits = append(edits, refused("id "+name, func(b *T) { b.ID = protocol.BulletinID(id) }))
	}
	return append(edits,
		refused("unit's code with a space", func(b *T) { b.Unit = "99001 " }),
		refused("author of nobody", func(b *T) { b.Author = "" }),
		refused("class 0", func(b *T) { b.Class = 0 }),
		refused("class 4", func(b *T) { b.Class = 4 }),
		refused("no title", func(b *T) { b.Title = "" }),
		taken("title of 200 letters", func(b *T) { b.Title = strings.Repeat("ệ", 200) }),
		refused("title of 201 letters", func(b *T) { b.Title = strings.Repeat("ệ", 201) }),
		taken("text of 10000 letters", func(b *T) { b.Text = strings.Repeat("a", 10_000) }),
		refused("text of 10001 letters", func(b *T) { b.Text = strings.Repeat("a", 10_001) }),
		refused("language of one letter", func(b *T) { b.Language = "v" }),
		refused("neither sound nor board", func(b *T) { b.Sound, b.Board = nil, nil }),
		taken("sound alone", func(b *T) { b.Board = nil }),
		taken("board alone", func(b *T) { b.Sound = nil }),
		taken("no text", func(b *T) { b.Text = "" }),
		taken("made from another revision", func(b *T) { b.Previous = ptr(protocol.DigestOf([]byte("before"))) }),
		refused("sound of no frames", func(b *T) { b.Sound.Frames = 0 }),
		refused("sound over 4 hours", func(b *T) { b.Sound.Frames = protocol.MaxSound*protocol.SoundRate + 1 }),
		refused("sound of 0 bytes", func(b *T) { b.Sound.Content.Size = 0 }),
		refused("sound over 64 MiB", func(b *T) { b.Sound.Content.Size = protocol.MaxContent + 1 }),
		refused("board without text", func(b *T) { b.Board.Text = "" }),
		refused("board of no layout", func(b *T) { b.Board.Layout = "" }),
		refused("board of no width", func(b *T) { b.Board.Sizes[0].Width = 0 }),
		refused("board of 8193 rows of pixels", func(b *T) { b.Board.Sizes[0].Height = 8193 }),
		refused("row higher than the board", func(b *T) { b.Board.Sizes[0].Row = 33 }),
		refused("pages for no time", func(b *T) { b.Board.Sizes[0].Length = 0 }),
		taken("pages whose pixels depend on the airing", func(b *T) { b.Board.Sizes[0].Digests = nil }),
		taken("board with a sender", func(b *T) { b.Board.Sender = "UBND xã Bình An" }),
		refused("1001 pages", func(b *T) { b.Board.Sizes[0].Digests = repeat(1001, protocol.DigestOf([]byte("page"))) }),
		refused("sender of 201 characters", func(b *T) { b.Board.Sender = strings.Repeat("ă", 201) }),
		refused("33 sizes", func(b *T) { b.Board.Sizes = repeat(33, b.Board.Sizes[0]) }),
		taken("board for its ticker", func(b *T) { b.Board.Zone = protocol.ZoneTicker }),
		refused("board for a part of no id", func(b *T) { b.Board.Zone = "Ticker" }),
		refused("emergency for a part of boards", func(b *T) { b.Class, b.Board.Zone = protocol.ClassEmergency, protocol.ZoneTicker }),
		taken("two-line board", func(b *T) { b.Board.Layout = "two-line" }),
		taken("board with a picture", pictured(func(*T) {})),
		refused("picture in another layout", pictured(func(b *T) { b.Board.Layout = "notice" })),
		refused("layout of a picture without one", pictured(func(b *T) { b.Board.Picture = nil })),
		refused("emergency with a picture", pictured(func(b *T) { b.Class = protocol.ClassEmergency })),
		refused("picture of no width", pictured(func(b *T) { b.Board.Picture.Width = 0 })),
		refused("picture 1081 px high", pictured(func(b *T) { b.Board.Picture.Height = protocol.MaxPictureH + 1 })),
		refused("picture over 1 MiB", pictured(func(b *T) { b.Board.Picture.Content.Size = protocol.MaxPicture + 1 })),
		taken("relay", relayed(func(*T) {})),
		taken("relay with a board", relayed(func(b *T) { b.Board = ptr(protocoltest.Board()) })),
		taken("relay of the console", relayed(func(b *T) { b.Relay.URL = "" })),
		refused("relay with a sound", relayed(func(b *T) { b.Sound = ptr(protocoltest.Sound()) })),
		refused("relay of an emergency", relayed(func(b *T) { b.Class = protocol.ClassEmergency })),
		refused("relay of nobody", relayed(func(b *T) { b.Relay.Source = "" })),
		refused("relay from 2001 characters", relayed(func(b *T) { b.Relay.URL = strings.Repeat("u", 2001) })),
		refused("relay without session", relayed(func(b *T) { b.Relay.Session = "" })),
		refused("relay with a passkey", relayed(func(b *T) { b.Relay.Key.Kind = protocol.KeyPasskey })),
		refused("relay with a key of 31 bytes", relayed(func(b *T) { b.Relay.Key.Public = b.Relay.Key.Public[:31] })),
		refused("relay of no length", relayed(func(b *T) { b.Relay.Length = 0 })),
		refused("relay over 4 hours", relayed(func(b *T) { b.Relay.Length = protocol.MillisOf(protocol.MaxRelay) + 1 })),
		refused("relay of an empty slot", relayed(func(b *T) { b.Relay.To = b.Relay.From })),
		refused("relay beyond the day", relayed(func(b *T) { b.Relay.To = 1441 })),
		taken("relay up to midnight", relayed(func(b *T) { b.Relay.To = 1440 })),
		refused("relay that may not fall silent", relayed(func(b *T) { b.Relay.Silence = 999 })),
	)
}

// pictured returns an edit of a bulletin whose board has a picture.
func pictured(do func(*protocol.Bulletin)) func(*protocol.Bulletin) {
	return func(b *protocol.Bulletin) {
		p := protocoltest.Picture()
		b.Board.Layout, b.Board.Picture = protocol.LayoutPicture, &p
		do(b)
	}
}

// relayed returns an edit of the relay's example.
func relayed(do func(*protocol.Bulletin)) func(*protocol.Bulletin) {
	return func(b *protocol.Bulletin) {
		*b = protocoltest.RelayBulletin()
		do(b)
	}
}

func statementEdits() []edit {
	type T = protocol.Statement
	return append(version(func(s *T, v uint64) { s.Version = v }),
		refused("no bulletin", func(s *T) { s.Bulletin = protocol.Digest{} }),
		refused("class 0", func(s *T) { s.Class = 0 }),
		refused("no units", func(s *T) { s.Units = []protocol.UnitID{} }),
		refused("units out of order", func(s *T) { s.Units = []protocol.UnitID{"b", "a"} }),
		refused("a unit twice", func(s *T) { s.Units = []protocol.UnitID{"a", "a"} }),
		refused("no first day", func(s *T) { s.FirstDay = "" }),
		refused("30 February", func(s *T) { s.LastDay = "2027-02-30" }),
		refused("day in another spelling", func(s *T) { s.LastDay = "2027-2-3" }),
		refused("last day before the first", func(s *T) { s.LastDay = "2026-11-22" }),
		taken("one day", func(s *T) { s.LastDay = s.FirstDay }),
		refused("0 plays", func(s *T) { s.PlaysPerDay = 0 }),
		refused("1441 plays", func(s *T) { s.PlaysPerDay = 1441 }),
		refused("night without reason", func(s *T) { s.Night = true }),
		refused("reason without night", func(s *T) { s.NightReason = "bão" }),
		taken("night with its reason", func(s *T) { s.Night, s.NightReason = true, "bão" }),
		refused("night with a reason of 501 letters", func(s *T) { s.Night, s.NightReason = true, strings.Repeat("ã", 501) }),
		refused("drill of a normal bulletin", func(s *T) { s.Drill = true }),
		taken("drill of an emergency", func(s *T) { s.Drill, s.Class = true, protocol.ClassEmergency }),
	)
}

func airingEdits() []edit {
	type T = protocol.Airing
	emergency := func(do func(*T)) func(*T) {
		return func(a *T) {
			a.Class, a.Rule, a.ExDates, a.RDates, a.Lateness, a.AfterCut = protocol.ClassEmergency, "", nil, nil, 0, 0
			a.Until, a.Passes, a.Every = protocoltest.At(time.Hour), 3, 30_000
			do(a)
		}
	}
	dates := make([]string, 0, protocol.MaxDates+1)
	for i := range protocol.MaxDates + 1 {
		dates = append(dates, time.Date(2027, 1, 1+i, 5, 0, 0, 0, time.UTC).Format("2006-01-02T15:04:05"))
	}
	return []edit{
		refused("no id", func(a *T) { a.ID = "" }),
		refused("no unit", func(a *T) { a.Unit = "" }),
		refused("class 4", func(a *T) { a.Class = 4 }),
		refused("no start", func(a *T) { a.Start = "" }),
		refused("start with a zone", func(a *T) { a.Start = "2026-11-23T17:00:00Z" }),
		refused("start with a space", func(a *T) { a.Start = "2026-11-23 17:00:00" }),
		taken("start with milliseconds", func(a *T) { a.Start = "2026-11-23T17:00:00.500" }),
		refused("rule of 501 bytes", func(a *T) { a.Rule = string(repeat(501, byte('A'))) }),
		refused("401 dates left out", func(a *T) { a.ExDates = dates }),
		refused("401 dates more", func(a *T) { a.RDates = dates }),
		refused("a date that is none", func(a *T) { a.RDates = []string{"mai"} }),
		refused("length below 0", func(a *T) { a.SoundFor = -1 }),
		refused("no length", func(a *T) { a.SoundFor, a.BoardFor, a.Sound = 0, 0, nil }),
		refused("over 24 hours", func(a *T) { a.BoardFor = protocol.MillisOf(protocol.MaxLength) + 1 }),
		refused("sound for no time", func(a *T) { a.SoundFor = 0 }),
		refused("no sound for its time", func(a *T) { a.Sound = nil }),
		taken("for boards alone", func(a *T) { a.Sound, a.SoundFor = nil, 0 }),
		taken("for ears alone", func(a *T) { a.BoardFor = 0 }),
		taken("for a part of boards", func(a *T) { a.BoardZone = protocol.ZoneHeader }),
		refused("for ears, in a part of boards", func(a *T) { a.BoardFor, a.BoardZone = 0, protocol.ZoneHeader }),
		refused("emergency in a part of boards", emergency(func(a *T) { a.BoardZone = protocol.ZoneHeader })),
		refused("lateness below 0", func(a *T) { a.Lateness = -1 }),
		refused("lateness over 7 days", func(a *T) { a.Lateness = protocol.MillisOf(protocol.MaxLateness) + 1 }),
		refused("unknown way after a cut", func(a *T) { a.AfterCut = 3 }),
		refused("volume 101", func(a *T) { a.Volume = 101 }),
		refused("replaces no id", func(a *T) { a.Replaces = "A" }),
		taken("replaces", func(a *T) { a.Replaces = "lp-cu" }),
		taken("negative order", func(a *T) { a.Order = -5 }),
		refused("bulletin of 0 bytes", func(a *T) { a.Bulletin.Size = 0 }),
		refused("approval of 0 bytes", func(a *T) { a.Approval.Size = 0 }),
		refused("drill of a normal one", func(a *T) { a.Drill = true }),
		refused("passes of a normal one", func(a *T) { a.Passes = 2 }),
		refused("end of a normal one", func(a *T) { a.Until = protocoltest.At(0) }),
		taken("emergency", emergency(func(*T) {})),
		taken("drill", emergency(func(a *T) { a.Drill = true })),
		taken("emergency without its sound", emergency(func(a *T) { a.Sound = nil })),
		refused("emergency by a rule", emergency(func(a *T) { a.Rule = "FREQ=DAILY" })),
		refused("emergency with lateness", emergency(func(a *T) { a.Lateness = 1 })),
		refused("emergency with order", emergency(func(a *T) { a.Order = 1 })),
		refused("emergency with night permission", emergency(func(a *T) { a.Night = true })),
		refused("emergency without end", emergency(func(a *T) { a.Until = 0 })),
		refused("emergency of no pass", emergency(func(a *T) { a.Passes = 0 })),
		refused("emergency of 101 passes", emergency(func(a *T) { a.Passes = 101 })),
		refused("passes that overlap", emergency(func(a *T) { a.Every = a.BoardFor - 1 })),
		refused("pass over 120 s", emergency(func(a *T) { a.SoundFor, a.Every = 120_001, 120_001 })),
		taken("pass of 120 s", emergency(func(a *T) { a.SoundFor, a.Every = 120_000, 120_000 })),
	}
}

func planEdits() []edit {
	type T = protocol.Plan
	return append(version(func(p *T, v uint64) { p.Version = v }),
		refused("no unit", func(p *T) { p.Unit = "" }),
		refused("number 0", func(p *T) { p.Number = 0 }),
		refused("no zone", func(p *T) { p.Zone = "" }),
		refused("zone of 65 bytes", func(p *T) { p.Zone = string(repeat(65, byte('Z'))) }),
		taken("empty", func(p *T) { p.Airings, p.Withdrawals, p.Stops, p.Quiet = nil, nil, nil, nil }),
		refused("airing of another unit", func(p *T) { p.Airings[0].Unit = "khac" }),
		refused("airing twice", func(p *T) { p.Airings = repeat(2, p.Airings[0]) }),
		refused("airing that is not valid", func(p *T) { p.Airings[0].Volume = 101 }),
		refused("2001 airings", func(p *T) {
			a := p.Airings[0]
			p.Airings = nil
			for i := range protocol.MaxAirings + 1 {
				a.ID = protocol.AiringID(fmt.Sprint("a", i))
				p.Airings = append(p.Airings, a)
			}
		}),
		refused("withdrawal of nothing", func(p *T) { p.Withdrawals[0].Airing = "" }),
		refused("stop that is not valid", func(p *T) { p.Stops[0].Expires = 0 }),
		refused("quiet hours at 24:00", func(p *T) { p.Quiet[0].Start = 1440 }),
		refused("quiet hours to 24:00", func(p *T) { p.Quiet[0].End = 1440 }),
		taken("quiet hours at 00:00", func(p *T) { p.Quiet[0].Start = 0 }),
		taken("limits of volume and light", func(p *T) {
			p.Limits = []protocol.Limit{{Of: protocol.CapVolume, From: 21, To: 6, Percent: 40}, {Of: protocol.CapLight, To: 23, Percent: 100}}
		}),
		refused("limit of nothing", func(p *T) { p.Limits = []protocol.Limit{{From: 1, To: 2, Percent: 40}} }),
		refused("limit from 24:00", func(p *T) { p.Limits = []protocol.Limit{{Of: protocol.CapLight, From: 24, To: 2, Percent: 40}} }),
		refused("limit to 24:00", func(p *T) { p.Limits = []protocol.Limit{{Of: protocol.CapLight, From: 2, To: 24, Percent: 40}} }),
		refused("limit of 0 per cent", func(p *T) { p.Limits = []protocol.Limit{{Of: protocol.CapLight, From: 2, To: 3}} }),
		refused("49 limits", func(p *T) {
			p.Limits = repeat(protocol.MaxLimits+1, protocol.Limit{Of: protocol.CapLight, From: 2, To: 3, Percent: 50})
		}),
		refused("25 quiet hours", func(p *T) { p.Quiet = repeat(25, p.Quiet[0]) }),
	)
}

func planHeadEdits() []edit {
	type T = protocol.PlanHead
	return append(version(func(h *T, v uint64) { h.Version = v }),
		refused("no unit", func(h *T) { h.Unit = "" }),
		refused("number 0", func(h *T) { h.Number = 0 }),
		refused("another body", func(h *T) { h.Body = []byte("plam") }),
		refused("body of another size", func(h *T) { h.Plan.Size++ }),
		refused("body of other chunks", func(h *T) { h.Plan.Chunks[0]++ }),
		taken("body elsewhere", func(h *T) { h.Body = nil }),
		taken("body of 8 KiB", func(h *T) { *h = protocoltest.PlanHead(make([]byte, protocol.MaxInlinePlan), h.Number) }),
		refused("body over 8 KiB", func(h *T) {
			h.Body = make([]byte, protocol.MaxInlinePlan+1)
			h.Plan = protocol.ContentOf(h.Body)
		}),
		refused("plan over 4 MiB", func(h *T) { h.Body, h.Plan.Size = nil, protocol.MaxPlan+1 }),
		refused("plan of 0 bytes", func(h *T) { h.Body, h.Plan.Size = nil, 0 }),
		refused("65 lists", func(h *T) { h.Lists = slices.Repeat(h.Lists, 65) }),
		refused("list of 0 bytes", func(h *T) { h.Lists[0].Size = 0 }),
	)
}

func stopEdits() []edit {
	type T = protocol.Stop
	return []edit{
		refused("no id", func(s *T) { s.ID = "" }),
		refused("scope 0", func(s *T) { s.Scope = 0 }),
		refused("scope 4", func(s *T) { s.Scope = 4 }),
		refused("no unit", func(s *T) { s.Unit = "" }),
		refused("by nobody", func(s *T) { s.By = "" }),
		refused("airing without its id", func(s *T) { s.Airing = "" }),
		refused("airing with a start", func(s *T) { s.Start = 1 }),
		refused("occurrence without start", func(s *T) { s.Scope = protocol.ScopeOccurrence }),
		taken("occurrence", func(s *T) { s.Scope, s.Start = protocol.ScopeOccurrence, s.At }),
		taken("unit", func(s *T) { s.Scope, s.Airing = protocol.ScopeUnit, "" }),
		refused("unit with an airing", func(s *T) { s.Scope = protocol.ScopeUnit }),
		refused("airing's bad id", func(s *T) { s.Airing = "A/B" }),
		refused("expired when made", func(s *T) { s.Expires = s.At }),
	}
}
