package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

const ofDong = "mat khau cua nguoi dang ky thon dong"

// ownRegistrar has the root give a unit a registrar of its own.
func (w *world) ownRegistrar(unit protocol.UnitID, password string) {
	w.t.Helper()
	now := time.Now()
	key, err := w.Keys.Next(protocol.RoleRegistrar, unit, password)
	must(w.t, err)
	act, err := hub.DelegationAct(protocol.RoleRegistrar, key, []protocol.UnitID{unit}, now, now.Add(24*time.Hour))
	must(w.t, err)
	w.signAct(&act, w.root)
	must(w.t, w.TakeAct(w.t.Context(), act, now))
}

// A registrar of one unit places its devices and names its approvers, and those
// approve there. In another unit the hub refuses it. With the hub's database and
// operating key as well they get what they sign onto the wire, and the device of the
// other unit refuses it; verify names it.
func TestARegistrarActsInNoOtherUnit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.ownRegistrar("thon-dong", ofDong)
	doai := w.device(speaker("loa-doai", "thon-doai", 1000))
	w.online(doai)
	approver := func(id protocol.PersonID, unit protocol.UnitID) error {
		return w.Account.Add(ctx, account.NewPerson{ID: id, Name: string(id), Password: password, Grants: []account.Grant{{Unit: unit, Role: account.Approver}}}, ofDong, "quantri")
	}
	serving := speaker("loa-bien", "thon-dong", 1000)
	serving.Serves = map[protocol.UnitID]uint64{"thon-doai": 1000}
	whole := speaker("loa-xa", "thon-dong", 1000)
	whole.Unit = commune
	place := func(id protocol.DeviceID, unit protocol.UnitID) error {
		_, err := w.Registry.Place(ctx, speaker(id, unit, 1000), ofDong, "quantri")
		return err
	}
	add := func(n registry.NewDevice) error {
		_, err := w.Registry.AddDevice(ctx, n, ofDong, "quantri")
		return err
	}
	sheet := func(text string) error {
		_, err := w.Registry.ImportDevices(ctx, strings.NewReader("id,name,unit,sound\n"+text), false, ofDong, "quantri")
		return err
	}
	again := func(unit protocol.UnitID) error {
		_, err := w.Registry.SignAgain(ctx, unit, ofDong, "quantri")
		return err
	}
	for name, err := range map[string]error{
		"a device":                  add(speaker("loa-khac", "thon-doai", 1000)),
		"a device of the whole":     add(whole),
		"devices of both":           sheet("loa-a,A,thon-dong,có\nloa-b,B,thon-doai,có\n"),
		"other people as served":    add(serving),
		"a device drawn here":       place(doai.id, "thon-dong"),
		"a device's new name there": place(doai.id, "thon-doai"),
		"an approver":               approver("duyet-doai", "thon-doai"),
		"an approver of the whole":  approver("duyet-xa", commune),
		"all of it, again":          again(commune),
		"a struck approver":         w.Account.Strike(ctx, commune, "duyet1", ofDong, "quantri"),
		"a demand for passkeys":     w.Account.DemandPasskeys(ctx, "thon-doai", []protocol.Class{protocol.ClassNormal}, ofDong, "quantri"),
	} {
		if !errors.Is(err, problem.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if ds, err := w.Registry.Devices(ctx); err != nil || len(ds) != 1 {
		t.Errorf("%d devices (%v)", len(ds), err)
	}

	// At home it works, down to a device that plays.
	must(t, approver("duyet-dong", "thon-dong"))
	dong := w.device(speaker("loa-dong", "thon-dong", 1000)) // by the commune's registrar
	must(t, place("loa-dong", "thon-dong"))
	w.online(dong)
	text := spokenText(1)
	text.Unit = "thon-dong"
	b := w.ready(text)
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100, Units: []protocol.UnitID{"thon-dong"}}, "duyet-dong")
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
	if r := w.verified(); len(r.Problems) > 0 {
		t.Errorf("verify: %q", r.Problems)
	}

	// With the hub in the same hands: the list and the place are stored and sent.
	there := w.ready(spokenText(1))
	req := w.air(there, bulletin.Wish{When: bulletin.Now, Volume: 100, Units: []protocol.UnitID{"thon-doai"}, PlaysPerDay: 5}, "duyet1")
	w.settled(there, 1)
	th := thief{w: w}
	var err error
	th.old, err = store.NewProgramme(w.DB).Airing(ctx, w.airing(there))
	must(t, err)
	signer, err := w.Registry.Registrar(ctx, ofDong, "thon-dong")
	must(t, err)
	friend := stranger(t)
	now := time.Now()
	list := protocol.Approvers{
		Version: protocol.Version, Unit: "thon-doai", Number: uint64(now.UnixMilli()), Issued: protocol.InstantOf(now), Expires: protocol.InstantOf(now.Add(time.Hour)),
		People: []protocol.Approver{{
			Person: "ban", Name: "Bạn", Key: friend.Key(), Classes: []protocol.Class{protocol.ClassNormal}, From: protocol.InstantOf(now), Until: protocol.InstantOf(now.Add(time.Hour)),
		}},
	}
	doc, err := registry.SealDocument(signer, envelope.KindApprovers, "thon-doai", list.Number, &list, now)
	must(t, err)
	must(t, w.DB.Accounts().AddLists(ctx, []registry.Document{doc}, audit.Act{At: now, Name: "approvers signed"}))
	s, err := protocol.Unmarshal[protocol.Statement](req.Bytes, protocol.MaxApproval)
	must(t, err)
	s.At = protocol.InstantOf(time.Now())
	statement, err := protocol.Marshal(s)
	must(t, err)
	sig, err := friend.Sign(envelope.KindApproval, statement)
	must(t, err)
	approval, err := protocol.Marshal(protocol.Approval{Statement: statement, Signatures: [][]byte{sig}})
	must(t, err)
	if r := th.air(func(a *programme.Airing) { a.Wire.Approval = th.serve(approval) }); r.Outcome != protocol.OutcomeSkipped || r.Reason != protocol.ReasonBadSignature {
		t.Errorf("approved by an approver of the neighbour's: %s %s, want skipped bad signature", r.Outcome, r.Reason)
	}

	device, err := w.Registry.Device(ctx, doai.id)
	must(t, err)
	before := w.heartbeat(doai).Placement
	device.Placement.Path, device.Unit = []protocol.UnitID{commune, "thon-dong"}, "thon-dong"
	device.Placement.Number = uint64(time.Now().UnixMilli())
	moved, err := registry.SealDocument(signer, envelope.KindPlacement, string(doai.id), device.Placement.Number, &device.Placement, time.Now())
	must(t, err)
	must(t, w.DB.Registry().PlaceDevice(ctx, device, moved, audit.Act{At: time.Now(), Name: "device placed"}))
	doai.stop()
	doai.start()
	w.until("the device refuses it", func() bool {
		return strings.Contains(w.log.String(), `msg="message refused"`) && strings.Contains(w.log.String(), "topic=loa/1/d/loa-doai/cmd")
	})
	if got := w.heartbeat(doai).Placement; got != before {
		t.Errorf("the neighbour's registrar moved the device: placement %d, before %d", got, before)
	}
	r := w.verified()
	for _, what := range []string{"list of approvers", "placement"} {
		if !strings.Contains(strings.Join(r.Problems, "\n"), what) {
			t.Errorf("verify names no %s: %q", what, r.Problems)
		}
	}
}
