// Package alert is what an operator must look at: devices that fall silent, with
// the reason; receipts that contradict each other, are missing or are lost;
// devices that know more than the hub. It decides what is an alert and when it is
// over. It repairs nothing. Of emergencies, which are airings, it says only that somebody
// at a board ended one.
package alert

import (
	"fmt"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Kind is what an alert is about.
type Kind string

// The kinds.
const (
	Silent   Kind = "silent"   // nothing is heard of a device, or nothing from it
	Conflict Kind = "conflict" // two receipts in one place of a chain: a cloned device
	Gap      Kind = "gap"      // receipts are missing and were asked for
	Lost     Kind = "lost"     // receipts are gone for good
	Ahead    Kind = "ahead"    // a device holds a newer placement than the hub
	Fault    Kind = "fault"    // a device says for a while that a part of it is broken
	Board    Kind = "board"    // a device's board is not of the size that the registry has
	Ended    Kind = "ended"    // somebody at a board ended an emergency there
)

// Reasons of Silent; those of Fault are the device's own words.
const (
	ReasonNeverHeard = "never-heard" // enrolled, and never connected
	ReasonOffline    = "offline"     // its connection has ended
	ReasonMute       = "no-word"     // connected, but it says nothing
	ReasonNoReceipts = "no-receipts" // it says it is well, but answers for nothing it was to play
	ReasonNotPlayed  = "not-played"  // it answers for its slots, and has played none
)

// Alert is one thing to look at.
type Alert struct {
	ID      int64
	Kind    Kind
	Device  protocol.DeviceID
	Subject string // a chain's id; "" where there is one alert for a device
	Reason  string
	// First and Last are the seqs or the numbers that it is about, 0 for none.
	First, Last uint64
	Since       time.Time // when it began to be so
	Raised      time.Time
	Closed      time.Time         // zero while it is so
	SeenBy      protocol.PersonID // who has taken note of it
	Seen        time.Time
}

// key names the one open alert of its kind.
type key struct {
	kind    Kind
	device  protocol.DeviceID
	subject string
}

func (a Alert) key() key { return key{a.Kind, a.Device, a.Subject} }

// Heard is what the hub knows of a device when it judges its silence.
type Heard struct {
	Device   protocol.DeviceID
	Enrolled time.Time
	// At is when it was last heard, zero for never; Online says whether it is
	// connected, as far as the broker's word goes.
	At     time.Time
	Online bool
	Faults []string
	// Misfit says how the device's board differs from the registry's; "" if it does not.
	Misfit string
	// Keyed are the emergencies that were ended at its board.
	Keyed []protocol.Keyed
	// Slots are its last occurrences whose windows have ended, newest first.
	Slots []Slot
	// Serves are the villages that it is there for.
	Serves []protocol.UnitID
}

// Slot is one occurrence that a device owed.
type Slot struct {
	Due    time.Time
	Known  bool // it has answered
	Played bool
	Reason protocol.Reason // why not, if it has said so
}

// Slots is how many occurrences in a row make a silence: two, a morning and an
// evening.
const Slots = 2

// wordEvery is how often a device says how it is; three times that without a
// word is no delay any more.
const wordEvery = 30 * time.Second

// Judge says what is wrong with a device, nil for nothing: silence of its
// connection after silentAfter, or silence in its last two slots. Skips that
// were meant (muted, stopped, withdrawn, quiet hours) are no silence.
func Judge(h Heard, silentAfter time.Duration, now time.Time) *Alert {
	a := &Alert{Kind: Silent, Device: h.Device}
	switch {
	case h.Enrolled.IsZero():
		return nil
	case h.At.IsZero():
		a.Reason, a.Since = ReasonNeverHeard, h.Enrolled
	case !h.Online:
		a.Reason, a.Since = ReasonOffline, h.At
	case now.Sub(h.At) > 3*wordEvery:
		a.Reason, a.Since = ReasonMute, h.At
	default:
		return slots(h)
	}
	if now.Sub(a.Since) < silentAfter {
		return nil
	}
	return a
}

// slots judges what a device that is there has made of its last occurrences.
func slots(h Heard) *Alert {
	if len(h.Slots) < Slots {
		return nil
	}
	reason := ReasonNoReceipts
	for _, s := range h.Slots[:Slots] {
		switch {
		case s.Played || meant(s.Reason):
			return nil
		case s.Known:
			reason = ReasonNotPlayed
		}
	}
	a := &Alert{Kind: Silent, Device: h.Device, Reason: reason, Since: h.Slots[Slots-1].Due}
	if s := h.Slots[0]; reason == ReasonNotPlayed && s.Reason != protocol.ReasonNone {
		a.Reason += ":" + s.Reason.String()
	}
	return a
}

// meant says whether somebody wanted that nothing sounds.
func meant(r protocol.Reason) bool {
	switch r {
	case protocol.ReasonMuted, protocol.ReasonStopped, protocol.ReasonWithdrawn, protocol.ReasonQuietHours, protocol.ReasonSuperseded:
		return true
	}
	return false
}

// Text says in Vietnamese and English what is wrong and what to do.
func (a Alert) Text() (vi, en string) {
	reason := a.Reason
	if len(reason) > len(ReasonNotPlayed) && reason[:len(ReasonNotPlayed)] == ReasonNotPlayed {
		reason = ReasonNotPlayed
	}
	switch {
	case a.Kind == Silent && reason == ReasonNeverHeard:
		return "Thiết bị đã đăng ký nhưng chưa bao giờ kết nối. Hãy kiểm tra nguồn và mạng tại chỗ lắp.",
			"The device is enrolled but has never connected. Check its power and network."
	case a.Kind == Silent && reason == ReasonOffline:
		return "Thiết bị mất kết nối. Hãy kiểm tra nguồn và mạng; thiết bị vẫn phát theo kế hoạch đã nhận.",
			"The device has lost its connection. Check its power and network; it still plays the plan that it holds."
	case a.Kind == Silent && reason == ReasonMute:
		return "Thiết bị còn kết nối nhưng không báo tình trạng. Hãy khởi động lại thiết bị.",
			"The device is connected but does not say how it is. Restart it."
	case a.Kind == Silent && reason == ReasonNotPlayed:
		return "Thiết bị không phát hai khung giờ gần nhất. Hãy xem lý do và kiểm tra loa, âm lượng, nội dung.",
			"The device has not played in its last two slots. Look at the reason; check its speaker, volume and content."
	case a.Kind == Silent:
		return "Thiết bị không gửi xác nhận cho hai khung giờ gần nhất. Hãy đến kiểm tra loa.",
			"The device has confirmed nothing in its last two slots. Go and check the speaker."
	case a.Kind == Conflict:
		return "Hai xác nhận khác nhau cho cùng một chỗ: có thể thiết bị bị sao chép. Hãy thu hồi và đăng ký lại thiết bị.",
			"Two different receipts stand in one place: the device may have been cloned. Revoke it and enrol it anew."
	case a.Kind == Gap:
		return fmt.Sprintf("Thiếu xác nhận số %d–%d; trung tâm đã yêu cầu gửi lại.", a.First, a.Last),
			fmt.Sprintf("Receipts %d–%d are missing; the hub has asked for them.", a.First, a.Last)
	case a.Kind == Lost:
		return fmt.Sprintf("Xác nhận số %d–%d đã mất hẳn; các lần phát đó được ghi là không rõ.", a.First, a.Last),
			fmt.Sprintf("Receipts %d–%d are gone for good; those occurrences stay unknown.", a.First, a.Last)
	case a.Kind == Ahead:
		return "Thiết bị giữ vị trí lắp đặt mới hơn trung tâm (trung tâm vừa khôi phục?). Hãy ký lại vị trí của thiết bị.",
			"The device holds a newer placement than the hub (restored from a backup?). Sign its placement again."
	case a.Kind == Board:
		return "Cỡ bảng thiết bị báo khác với sổ (" + a.Reason + "). Bản tin được trình bày theo cỡ thiết bị báo; hãy sửa cỡ bảng trong sổ hoặc đặt lại hồ sơ bảng của thiết bị.",
			"The device's board is not of the size in the registry (" + a.Reason + "). Bulletins are laid out for what the device says; correct the registry or the device's board profile."
	case a.Kind == Ended:
		return "Có người tại bảng đã kết thúc bản tin khẩn cấp trên bảng đó, bằng phím hoặc bằng lệnh trên thiết bị. Hãy hỏi lại tại chỗ; nếu vẫn còn nguy hiểm, hãy phát lại.",
			"Somebody at the board ended the emergency on it, by its key or the device's command. Ask on the spot; if the danger goes on, send it again."
	case a.Kind == Fault && a.Reason == "board-size":
		return "Bảng không đúng cỡ ghi trong hồ sơ của thiết bị nên không hiện được. Hãy chọn đúng hồ sơ bảng hoặc đặt lại độ phân giải.",
			"The board is not of the size in the device's profile, so it shows nothing. Choose the right board profile, or set the resolution."
	case a.Kind == Fault && a.Reason == "key":
		return "Không đọc được phím trên bảng. Hãy kiểm tra dây và cài đặt của phím.", "The board's key cannot be read. Check its wiring and setting."
	case a.Kind == Fault && a.Reason == "space":
		return "Bộ nhớ của thiết bị gần hết, nội dung sắp tới không đủ chỗ. Hãy thay thẻ nhớ lớn hơn.",
			"The device's storage is nearly full: what is to come does not fit. Give it a larger card."
	}
	return "Thiết bị báo hỏng: " + a.Reason + ". Hãy đến kiểm tra.", "The device reports a fault: " + a.Reason + ". Go and check it."
}
