package protocoltest

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// The commune of every example: Xã Bình An (mẫu), with three villages. Its code
// is data of the registry and stands in no message.
const (
	CommuneCode = "99001"
	CommuneName = "Xã Bình An (mẫu)"

	Commune protocol.UnitID = "binh-an"
	Dong    protocol.UnitID = "binh-an-dong"
	Doai    protocol.UnitID = "binh-an-doai"
	Trung   protocol.UnitID = "binh-an-trung"

	Author  protocol.PersonID = "soan"
	First   protocol.PersonID = "duyet1"
	Second  protocol.PersonID = "duyet2"
	Clerk   protocol.PersonID = "ho-tich"
	Speaker protocol.DeviceID = "loa-dong"

	Zone = "Asia/Ho_Chi_Minh"
)

// Now is the present of every example: 10:00 of 23 November 2026 in Việt Nam.
func Now() time.Time { return time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC) }

// At returns the instant d after Now.
func At(d time.Duration) protocol.Instant { return protocol.InstantOf(Now().Add(d)) }

// Number returns the number of a document made d after Now.
func Number(d time.Duration) uint64 { return uint64(At(d)) }

// SoundBytes stands for a sound of n bytes: 0, 1, 2 ... It is no Ogg.
func SoundBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// Sound describes 2.5 s of sound whose bytes are SoundBytes(40000).
func Sound() protocol.Sound {
	return protocol.Sound{Content: protocol.ContentOf(SoundBytes(40_000)), Frames: 120_000, Loudness: -1_600}
}

// Board is a short notice for boards of 192x32.
func Board() protocol.Board {
	return protocol.Board{
		Text: "Tiêm phòng cho trẻ tại nhà văn hoá thôn Đông", Layout: "notice", LayoutVersion: 1,
		Sizes: []protocol.Pages{{
			Width: 192, Height: 32, Row: 16, Length: 11_800,
			Digests: []protocol.Digest{protocol.DigestOf([]byte("page 1"))},
		}},
	}
}

// Picture stands for a picture of 300x200 px.
func Picture() protocol.Picture {
	return protocol.Picture{Content: protocol.ContentOf(SoundBytes(9_000)), Width: 300, Height: 200}
}

// Bulletin is a normal bulletin with sound and board.
func Bulletin() protocol.Bulletin {
	s, b := Sound(), Board()
	return protocol.Bulletin{
		Version: protocol.Version, ID: "bt-tiem-phong", Class: protocol.ClassNormal, Unit: Commune, Author: Author,
		Title: "Lịch tiêm phòng", Text: "7h30 ngày 25/11 tiêm phòng cho trẻ tại nhà văn hoá thôn Đông.",
		Language: "vi", Sound: &s, Board: &b,
	}
}

// Emergency is an emergency bulletin: short, for ear and board.
func Emergency() protocol.Bulletin {
	b := Bulletin()
	b.ID, b.Class, b.Title = "bt-lu", protocol.ClassEmergency, "Lũ lên nhanh"
	b.Text = "Nước lũ đang lên nhanh. Bà con thôn Đông lên chỗ cao ngay."
	b.Board = &protocol.Board{Text: "LŨ LÊN NHANH. LÊN CHỖ CAO NGAY.", Layout: "emergency", LayoutVersion: 1}
	return b
}

// Session is the session of RelayBulletin.
const Session protocol.SessionID = "phien-vov1"

// RelayBulletin is a relay of half an hour at most, between 05:00 and 06:00.
func RelayBulletin() protocol.Bulletin {
	b := Bulletin()
	b.ID, b.Title, b.Text, b.Sound, b.Board = "bt-tiep-song", "Tiếp sóng VOV1", "", nil, nil
	b.Relay = &protocol.Relay{
		Source: "Đài Tiếng nói Việt Nam, VOV1", URL: "https://example.com/vov1.m3u8", Session: Session,
		Key:    protocol.Key{Kind: protocol.KeyEd25519, Public: PrivateKey("session").Public().(ed25519.PublicKey)},
		Length: 30 * 60_000, From: 5 * 60, To: 6 * 60, Silence: 20_000,
	}
	return b
}

// Frames is the nth piece of the session, of two packets.
func Frames(n uint64) protocol.Frames {
	return protocol.Frames{
		Version: protocol.Version, Session: Session, Number: n, At: At(time.Duration(n) * 40 * time.Millisecond),
		Packets: [][]byte{{0xf8, 0xff, 0xfe}, {0xf8, 0xff, 0xfe}},
	}
}

// Statement approves an encoded bulletin for the commune, from today to the last
// day of the year.
func Statement(bulletin []byte, class protocol.Class) protocol.Statement {
	return protocol.Statement{
		Version: protocol.Version, Bulletin: protocol.DigestOf(bulletin), Class: class, Units: []protocol.UnitID{Commune},
		FirstDay: "2026-11-23", LastDay: "2026-12-31", PlaysPerDay: 4, At: At(-time.Hour),
	}
}

// Airing gives an encoded bulletin to the commune at 17:00 of every day.
func Airing(b protocol.Bulletin, bulletin, approval []byte) protocol.Airing {
	a := protocol.Airing{
		ID: "lp-" + protocol.AiringID(b.ID), Unit: Commune, Class: b.Class,
		Bulletin: protocol.ContentOf(bulletin), Approval: protocol.ContentOf(approval),
		Start: "2026-11-23T17:00:00", Volume: 80, Approved: At(-time.Hour), Published: At(-30 * time.Minute),
	}
	if b.Sound != nil {
		a.Sound, a.SoundFor = &b.Sound.Content, protocol.MillisOf(b.Sound.Length())
	}
	if b.Relay != nil {
		a.Sound, a.SoundFor = &a.Bulletin, b.Relay.Length
	}
	if b.Board != nil {
		a.BoardFor = 11_800
	}
	if b.Class == protocol.ClassEmergency {
		a.Start, a.Until, a.Passes, a.Every = "2026-11-23T10:00:00", At(2*time.Hour), 3, 30_000
		return a
	}
	a.Rule, a.Lateness, a.AfterCut = "FREQ=DAILY;COUNT=10", 600_000, protocol.Resume
	a.ExDates, a.RDates = []string{"2026-11-26T17:00:00"}, []string{"2026-11-24T05:00:00"}
	return a
}

// Plan is the commune's plan with these airings.
func Plan(airings ...protocol.Airing) protocol.Plan {
	return protocol.Plan{
		Version: protocol.Version, Unit: Commune, Number: Number(0), Zone: Zone, At: At(0),
		Quiet: []protocol.Quiet{{Start: 21*60 + 30, End: 5 * 60}}, Airings: airings,
		Withdrawals: []protocol.Withdrawal{{Airing: "lp-cu", At: At(-time.Minute)}},
		Stops:       []protocol.Stop{Stop()},
	}
}

// PlanHead is the head of an encoded plan of the commune, with its body inside
// if that is short enough, and naming the lists.
func PlanHead(plan []byte, number uint64, lists ...[]byte) protocol.PlanHead {
	h := protocol.PlanHead{Version: protocol.Version, Unit: Commune, Number: number, Plan: protocol.ContentOf(plan)}
	if len(plan) <= protocol.MaxInlinePlan {
		h.Body = plan
	}
	for _, l := range lists {
		h.Lists = append(h.Lists, protocol.ContentOf(l))
	}
	return h
}

// Stop stops an airing of the commune.
func Stop() protocol.Stop {
	return protocol.Stop{
		ID: "dung-1", Scope: protocol.ScopeAiring, Unit: Commune, Airing: "lp-bt-tiem-phong",
		At: At(0), Expires: At(24 * time.Hour), By: First,
	}
}

// Roots is a list of roots made an hour ago.
func Roots(threshold uint64, keys ...protocol.Key) protocol.Roots {
	return protocol.Roots{Version: protocol.Version, Number: Number(-time.Hour), At: At(-time.Hour), Threshold: threshold, Keys: keys}
}

// Delegation gives a key a role in the commune for a year, for all classes.
func Delegation(role protocol.Role, key protocol.Key) protocol.Delegation {
	return protocol.Delegation{
		Version: protocol.Version, Role: role, Key: key, Units: []protocol.UnitID{Commune},
		Classes: []protocol.Class{protocol.ClassNormal, protocol.ClassPriority, protocol.ClassEmergency},
		From:    At(-24 * time.Hour), Until: At(365 * 24 * time.Hour), Number: Number(-24 * time.Hour),
	}
}

// Approver is a person with a key who may approve all classes for a year.
func Approver(person protocol.PersonID, name string, key protocol.Key) protocol.Approver {
	return protocol.Approver{
		Person: person, Name: name, Key: key,
		Classes: []protocol.Class{protocol.ClassNormal, protocol.ClassPriority, protocol.ClassEmergency},
		From:    At(-24 * time.Hour), Until: At(365 * 24 * time.Hour),
	}
}

// Approvers is the commune's list for a year.
func Approvers(people ...protocol.Approver) protocol.Approvers {
	return protocol.Approvers{
		Version: protocol.Version, Unit: Commune, Number: Number(-23 * time.Hour),
		Issued: At(-23 * time.Hour), Expires: At(365 * 24 * time.Hour), People: people,
	}
}

// Placement puts a device into a village of the commune and has it serve that
// village whole.
func Placement(device protocol.DeviceID, village protocol.UnitID) protocol.Placement {
	return protocol.Placement{
		Version: protocol.Version, Device: device, Number: Number(-22 * time.Hour), From: At(-22 * time.Hour),
		Path: []protocol.UnitID{Commune, village}, Tags: []string{"nha-van-hoa"}, Name: "Nhà văn hoá",
		Serves: []protocol.Share{{Village: village, Share: 1000, By: Clerk, On: "2026-11-01"}},
	}
}

// Populations is how many people live in the commune's villages.
func Populations() protocol.Populations {
	of := func(village protocol.UnitID, people uint64) protocol.Population {
		return protocol.Population{Village: village, People: people, Source: "Công an xã", On: "2026-07-01"}
	}
	return protocol.Populations{
		Version: protocol.Version, Unit: Commune, Number: Number(-22 * time.Hour), From: At(-22 * time.Hour),
		Villages: []protocol.Population{of(Doai, 610), of(Dong, 820), of(Trung, 470)},
	}
}

// Receipt says that the speaker played the bulletin whole.
func Receipt() protocol.Receipt {
	return protocol.Receipt{
		Airing: "lp-bt-tiem-phong", Unit: Commune, Start: At(7 * time.Hour), Medium: protocol.MediumSound,
		Bulletin: protocol.DigestOf([]byte("bulletin")), Outcome: protocol.OutcomePlayed, Proof: protocol.ProofConsumed,
		Plays:  []protocol.Stretch{{From: At(7 * time.Hour), To: At(7*time.Hour + 2500*time.Millisecond)}},
		Frames: 120_000, Uncertainty: 12, Volume: 80, Config: protocol.DigestOf([]byte("configuration")),
		Placement: Number(-22 * time.Hour),
	}
}

// Entries is the beginning of a chain: a genesis, a receipt, a loss of three.
func Entries(tb testing.TB) [][]byte {
	tb.Helper()
	r := Receipt()
	first := Encode(tb, protocol.Entry{Seq: 1, At: At(0), Genesis: protocol.GenesisNew})
	second := Encode(tb, protocol.Entry{Seq: 2, Prev: protocol.DigestOf(first), At: At(8 * time.Hour), Receipt: &r})
	third := Encode(tb, protocol.Entry{
		Seq: 3, Prev: protocol.DigestOf(second), At: At(9 * time.Hour),
		Loss: &protocol.Loss{Through: 5, Reason: "torn file"},
	})
	return [][]byte{first, second, third}
}

// Head is the speaker's head after entries that end at seq.
func Head(entries [][]byte, seq uint64) protocol.Head {
	return protocol.Head{
		Device: Speaker, Chain: protocol.DigestOf([]byte("chain")), Seq: seq,
		Hash: protocol.DigestOf(entries[len(entries)-1]),
	}
}

// Heartbeat is that of the speaker, in good health.
func Heartbeat() protocol.Heartbeat {
	return protocol.Heartbeat{
		Version: protocol.Version, Device: Speaker, Connection: 7, Online: true, At: At(0),
		Plans: []protocol.Held{{Unit: Commune, Number: Number(0)}}, Lists: []protocol.Digest{protocol.DigestOf([]byte("list"))},
		Placement: Number(-22 * time.Hour), Features: []string{protocol.FeatureSound, protocol.FeatureEmergency},
		ClockSure: true, Uncertainty: 12, Free: 1 << 30, Unacked: 2, Software: "1.0.0",
		Config: protocol.DigestOf([]byte("configuration")),
	}
}

// Command mutes the speaker.
func Command() protocol.Command {
	return protocol.Command{Version: protocol.Version, Device: Speaker, Number: Number(0), Action: protocol.ActionMute, At: At(0)}
}

// Nonce is always the same.
func Nonce() []byte { return []byte("0123456789abcdef") }
