package protocol_test

import (
	"slices"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func controlExamples(tb testing.TB) []example {
	tb.Helper()
	world := protocoltest.NewWorld(tb)
	alert := world.Alert(tb)
	return []example{
		{"alert", func() protocoltest.Message {
			v, airing := alert, *alert.Airing
			v.Airing = &airing
			return &v
		}, alertEdits()},
		{"seen", func() protocoltest.Message {
			return &protocol.Seen{Alert: protocol.DigestOf([]byte("alert")), Accepted: true, At: protocoltest.At(0)}
		}, []edit{
			taken("refused", func(s *protocol.Seen) { s.Accepted, s.Reason = false, protocol.ReasonBadSignature }),
			refused("of no alert", func(s *protocol.Seen) { s.Alert = protocol.Digest{} }),
			refused("refused without reason", func(s *protocol.Seen) { s.Accepted = false }),
			refused("accepted with a reason", func(s *protocol.Seen) { s.Reason = protocol.ReasonBusy }),
			refused("unknown reason", func(s *protocol.Seen) { s.Accepted, s.Reason = false, 99 }),
		}},
		{"command", func() protocoltest.Message { return ptr(protocoltest.Command()) }, commandEdits()},
		{"ask", func() protocoltest.Message { return &protocol.Ask{Nonce: protocoltest.Nonce(), Resync: true} }, []edit{
			taken("time alone", func(a *protocol.Ask) { a.Resync = false }),
			refused("nonce of 15 bytes", func(a *protocol.Ask) { a.Nonce = a.Nonce[:15] }),
			refused("nonce of 17 bytes", func(a *protocol.Ask) { a.Nonce = append(a.Nonce, 0) }),
		}},
		{"time-answer", func() protocoltest.Message {
			return &protocol.TimeAnswer{Device: protocoltest.Speaker, Nonce: protocoltest.Nonce(), At: protocoltest.At(0), Uncertainty: 5}
		}, []edit{
			refused("for nobody", func(a *protocol.TimeAnswer) { a.Device = "" }),
			refused("nonce of 0 bytes", func(a *protocol.TimeAnswer) { a.Nonce = []byte{} }),
			refused("before 1970", func(a *protocol.TimeAnswer) { a.At = -1 }),
			refused("uncertainty below 0", func(a *protocol.TimeAnswer) { a.Uncertainty = -1 }),
			taken("content over HTTPS", func(a *protocol.TimeAnswer) { a.Content = "https://loa.example:8443" }),
			refused("content over plain HTTP", func(a *protocol.TimeAnswer) { a.Content = "http://loa.example" }),
			refused("content with a slash behind", func(a *protocol.TimeAnswer) { a.Content = "https://loa.example/" }),
		}},
		{"chunk", func() protocoltest.Message { return &protocol.Chunk{N: 2, Data: protocoltest.SoundBytes(24)} }, []edit{
			taken("first", func(c *protocol.Chunk) { c.N = 0 }),
			taken("of the list", func(c *protocol.Chunk) { c.List = true }),
			taken("16 KiB", func(c *protocol.Chunk) { c.Data = make([]byte, protocol.ChunkSize) }),
			refused("no data", func(c *protocol.Chunk) { c.Data = []byte{} }),
			refused("over 16 KiB", func(c *protocol.Chunk) { c.Data = make([]byte, protocol.ChunkSize+1) }),
			refused("number 4097", func(c *protocol.Chunk) { c.N = 4097 }),
		}},
		{"want", func() protocoltest.Message {
			return &protocol.Want{Window: 1 << 16, Items: []protocol.WantItem{
				{Digest: protocol.DigestOf([]byte("sound")), List: true, Ranges: []protocol.Range{{First: 0, Last: 2}, {First: 4, Last: 4}}},
			}}
		}, wantEdits()},
		{"frames", func() protocoltest.Message { return ptr(protocoltest.Frames(1)) }, framesEdits()},
		{"heartbeat", func() protocoltest.Message { return ptr(protocoltest.Heartbeat()) }, heartbeatEdits()},
	}
}

func alertEdits() []edit {
	type T = protocol.Alert
	stop := func(do func(*T)) func(*T) {
		return func(a *T) {
			*a = protocol.Alert{Version: protocol.Version, Stop: ptr(protocoltest.Stop())}
			do(a)
		}
	}
	return append(version(func(a *T, v uint64) { a.Version = v }),
		taken("stop", stop(func(*T) {})),
		taken("answer to a nonce", func(a *T) { a.Nonce = protocoltest.Nonce() }),
		refused("nonce of 3 bytes", func(a *T) { a.Nonce = []byte("abc") }),
		refused("neither airing nor stop", func(a *T) { a.Airing = nil }),
		refused("airing and stop", func(a *T) { a.Stop = ptr(protocoltest.Stop()) }),
		refused("another bulletin", func(a *T) { a.Bulletin = []byte("other") }),
		refused("no bulletin", func(a *T) { a.Bulletin = nil }),
		refused("another approval", func(a *T) { a.Approval = []byte("other") }),
		refused("no zone", func(a *T) { a.Zone = "" }),
		refused("normal airing", func(a *T) { a.Airing.Class = protocol.ClassNormal }),
		refused("airing that is not valid", func(a *T) { a.Airing.Passes = 0 }),
		refused("stop with a bulletin", stop(func(a *T) { a.Bulletin = []byte("b") })),
		refused("stop with a zone", stop(func(a *T) { a.Zone = protocoltest.Zone })),
		refused("stop that is not valid", stop(func(a *T) { a.Stop.By = "" })),
	)
}

func commandEdits() []edit {
	type T = protocol.Command
	return append(version(func(c *T, v uint64) { c.Version = v }),
		refused("for nobody", func(c *T) { c.Device = "" }),
		refused("number 0", func(c *T) { c.Number = 0 }),
		refused("action 0", func(c *T) { c.Action = 0 }),
		refused("action 6", func(c *T) { c.Action = 6 }),
		taken("tone", func(c *T) { c.Action, c.Tone = protocol.ActionTone, &protocol.Tone{Length: 3000, Volume: 40} }),
		refused("tone without one", func(c *T) { c.Action = protocol.ActionTone }),
		refused("mute with a tone", func(c *T) { c.Tone = &protocol.Tone{Length: 3000, Volume: 40} }),
		refused("tone of 0 ms", func(c *T) { c.Action, c.Tone = protocol.ActionTone, &protocol.Tone{Volume: 40} }),
		refused("tone over 10 s", func(c *T) { c.Action, c.Tone = protocol.ActionTone, &protocol.Tone{Length: 10_001, Volume: 40} }),
		refused("tone of no volume", func(c *T) { c.Action, c.Tone = protocol.ActionTone, &protocol.Tone{Length: 3000} }),
		refused("tone over 100 %", func(c *T) { c.Action, c.Tone = protocol.ActionTone, &protocol.Tone{Length: 3000, Volume: 101} }),
		refused("placement without one", func(c *T) { c.Action = protocol.ActionPlacement }),
		refused("mute with a placement", func(c *T) { c.Placement = []byte("placement") }),
		refused("mute with a seq", func(c *T) { c.Seq = 1 }),
		taken("placement", func(c *T) {
			c.Action, c.Placement = protocol.ActionPlacement, []byte("placement")
			c.Lists = []protocol.Content{protocol.ContentOf([]byte("list"))}
		}),
		taken("resync", func(c *T) { c.Action, c.Seq = protocol.ActionResync, 41 }),
		taken("unmute", func(c *T) { c.Action = protocol.ActionUnmute }),
		refused("65 lists", func(c *T) { c.Lists = repeat(65, protocol.ContentOf([]byte("list"))) }),
		refused("list of 0 bytes", func(c *T) {
			c.Action, c.Placement = protocol.ActionPlacement, []byte("placement")
			c.Lists = []protocol.Content{{}}
		}),
	)
}

func wantEdits() []edit {
	type T = protocol.Want
	return []edit{
		refused("nothing", func(w *T) { w.Items = []protocol.WantItem{} }),
		refused("65 items", func(w *T) { w.Items = repeat(65, w.Items[0]) }),
		refused("no window", func(w *T) { w.Window = 0 }),
		refused("window over 64 MiB", func(w *T) { w.Window = protocol.MaxContent + 1 }),
		refused("neither list nor chunks", func(w *T) { w.Items[0].List, w.Items[0].Ranges = false, nil }),
		taken("list alone", func(w *T) { w.Items[0].Ranges = nil }),
		taken("chunks alone", func(w *T) { w.Items[0].List = false }),
		refused("range backwards", func(w *T) { w.Items[0].Ranges[0] = protocol.Range{First: 2, Last: 1} }),
		refused("ranges out of order", func(w *T) { slices.Reverse(w.Items[0].Ranges) }),
		refused("ranges that overlap", func(w *T) { w.Items[0].Ranges[1].First = 2 }),
		refused("chunk 4097", func(w *T) { w.Items[0].Ranges[1].Last = 4097 }),
		refused("65 ranges", func(w *T) {
			w.Items[0].Ranges = nil
			for i := range uint64(65) {
				w.Items[0].Ranges = append(w.Items[0].Ranges, protocol.Range{First: i, Last: i})
			}
		}),
	}
}

func heartbeatEdits() []edit {
	type T = protocol.Heartbeat
	return append(version(func(h *T, v uint64) { h.Version = v }),
		taken("will", func(h *T) {
			*h = protocol.Heartbeat{Version: protocol.Version, Device: h.Device, Connection: 7, At: h.At, Config: h.Config}
		}),
		refused("of nobody", func(h *T) { h.Device = "" }),
		refused("65 plans", func(h *T) { h.Plans = repeat(65, h.Plans[0]) }),
		refused("plan of no unit", func(h *T) { h.Plans[0].Unit = "" }),
		refused("257 lists", func(h *T) { h.Lists = repeat(257, h.Lists[0]) }),
		refused("65 features", func(h *T) { h.Features = repeat(65, "sound") }),
		refused("feature of 65 letters", func(h *T) { h.Features[0] = string(repeat(65, byte('x'))) }),
		refused("17 faults", func(h *T) { h.Faults = repeat(17, "sound") }),
		taken("faults", func(h *T) { h.Faults = []string{"sound", "clock"} }),
		refused("257 stops", func(h *T) { h.Stops = repeat(257, protocol.StopID("dung-1")) }),
		refused("stop of no id", func(h *T) { h.Stops = []protocol.StopID{"A"} }),
		refused("software of 65 letters", func(h *T) { h.Software = string(repeat(65, byte('1'))) }),
		refused("uncertainty below 0", func(h *T) { h.Uncertainty = -1 }),
		refused("playing a bad id", func(h *T) { h.Playing = "A" }),
		taken("playing, muted, with a board", func(h *T) {
			h.Playing, h.Muted, h.Missing = "lp-1", true, 3
			h.Board = &protocol.Display{Width: 192, Height: 32, Row: 16}
		}),
		taken("receipts kept, content to come", func(h *T) {
			h.Chain, h.Needs = &protocol.ChainState{Chain: protocol.DigestOf([]byte("chain")), Seq: 40, Acked: 38, Oldest: 7}, 1<<20
		}),
		refused("receipts of no chain", func(h *T) { h.Chain = &protocol.ChainState{Seq: 2, Oldest: 1} }),
		refused("oldest receipt behind the last", func(h *T) {
			h.Chain = &protocol.ChainState{Chain: protocol.DigestOf([]byte("chain")), Seq: 2, Oldest: 3}
		}),
		refused("more receipts acknowledged than written", func(h *T) {
			h.Chain = &protocol.ChainState{Chain: protocol.DigestOf([]byte("chain")), Seq: 2, Acked: 3, Oldest: 1}
		}),
		taken("progress and a tone", func(h *T) {
			h.Playing, h.Progress = "lp-1", &protocol.Progress{Position: 12_000, Length: 60_000, Volume: 80}
			h.Tone = &protocol.ToneResult{Number: 41, Reason: protocol.ReasonQuietHours, At: protocoltest.At(0)}
		}),
		taken("brightness of a board", func(h *T) {
			h.Board, h.Light = &protocol.Display{Width: 192, Height: 32, Row: 16}, 40
		}),
		refused("brightness over 100 %", func(h *T) {
			h.Board, h.Light = &protocol.Display{Width: 192, Height: 32, Row: 16}, 101
		}),
		refused("brightness of no board", func(h *T) { h.Board, h.Light = nil, 40 }),
		refused("progress of nothing", func(h *T) { h.Progress = &protocol.Progress{Length: 60_000} }),
		refused("progress of no length", func(h *T) { h.Playing, h.Progress = "lp-1", &protocol.Progress{} }),
		refused("progress beyond the end", func(h *T) {
			h.Playing, h.Progress = "lp-1", &protocol.Progress{Position: 60_001, Length: 60_000}
		}),
		refused("volume over 100 %", func(h *T) {
			h.Playing, h.Progress = "lp-1", &protocol.Progress{Length: 60_000, Volume: 101}
		}),
		refused("result of tone 0", func(h *T) { h.Tone = &protocol.ToneResult{At: protocoltest.At(0)} }),
		refused("result of a tone at no instant", func(h *T) { h.Tone = &protocol.ToneResult{Number: 41} }),
		taken("parts of a board, and what was ended there", func(h *T) {
			h.Board, h.Whole = &protocol.Display{Width: 256, Height: 160, Row: 32}, &protocol.Display{Width: 384, Height: 192, Row: 32}
			h.Zones = []protocol.ZoneSize{{Name: protocol.ZoneTicker, Size: protocol.Display{Width: 384, Height: 32, Row: 32}}}
			h.Keyed = []protocol.Keyed{{Airing: "lp-lu", At: protocoltest.At(0)}}
		}),
		refused("parts of no board", func(h *T) {
			h.Zones = []protocol.ZoneSize{{Name: protocol.ZoneTicker, Size: protocol.Display{Width: 384, Height: 32, Row: 32}}}
		}),
		refused("whole board of no width", func(h *T) {
			h.Board, h.Whole = &protocol.Display{Width: 256, Height: 160, Row: 32}, &protocol.Display{Height: 192, Row: 32}
		}),
		refused("ended at no instant", func(h *T) { h.Keyed = []protocol.Keyed{{Airing: "lp-lu"}} }),
		refused("nine ended", func(h *T) { h.Keyed = repeat(9, protocol.Keyed{Airing: "lp-lu", At: protocoltest.At(0)}) }),
		refused("board of no width", func(h *T) { h.Board = &protocol.Display{Height: 32, Row: 16} }),
	)
}

func framesEdits() []edit {
	type T = protocol.Frames
	return append(version(func(f *T, v uint64) { f.Version = v }),
		refused("no session", func(f *T) { f.Session = "" }),
		refused("number 0", func(f *T) { f.Number = 0 }),
		refused("number over 2^53", func(f *T) { f.Number = 1<<53 + 1 }),
		refused("no instant", func(f *T) { f.At = 0 }),
		refused("no packet", func(f *T) { f.Packets = [][]byte{} }),
		refused("11 packets", func(f *T) { f.Packets = repeat(11, f.Packets[0]) }),
		taken("one packet", func(f *T) { f.Packets = f.Packets[:1] }),
		taken("10 packets of 1275 bytes", func(f *T) { f.Packets = repeat(10, make([]byte, protocol.MaxFrame)) }),
		refused("packet of 1276 bytes", func(f *T) { f.Packets[0] = make([]byte, protocol.MaxFrame+1) }),
		of("malformed", "empty packet", func(f *T) { f.Packets[1] = []byte{} }),
	)
}
