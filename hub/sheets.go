package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/sheet"
	"github.com/loa-vn/loa/hub/studio"
	"github.com/loa-vn/loa/protocol"
)

// sheets implements api.Sheets.
type sheets struct{}

// CSV implements api.Sheets.
func (sheets) CSV(file []byte) ([]byte, error) {
	if sheet.IsWorkbook(file) {
		return sheet.CSV(file)
	}
	return file, nil
}

// outcomeWords are the outcomes for people; "" of an answer that is missing.
func outcomeWords(o protocol.Outcome) string {
	switch o {
	case protocol.OutcomePlayed:
		return "Đã phát"
	case protocol.OutcomeCut:
		return "Bị cắt"
	case protocol.OutcomeSkipped:
		return "Không phát"
	case protocol.OutcomeLost:
		return "Mất xác nhận"
	}
	return o.String()
}

func reasonWords(r protocol.Reason) string {
	words := map[string]string{
		"no plan": "thiết bị không có lịch phát", "off": "thiết bị tắt hoặc mất điện", "muted": "loa bị tắt tiếng", "no content": "nội dung chưa tải về kịp",
		"clock unsure": "đồng hồ của thiết bị chưa chắc", "quiet hours": "rơi vào giờ yên tĩnh", "busy": "đang phát bản tin khác", "stopped": "có lệnh dừng phát",
		"withdrawn": "lịch phát đã rút", "superseded": "đã thay bằng lịch khác", "bad signature": "chữ ký không đúng", "not permitted": "ngoài phạm vi được duyệt",
		"expired": "đã quá hạn", "fault": "thiết bị hỏng", "emergency": "nhường bản tin khẩn cấp", "drill": "nhường cuộc diễn tập",
	}
	if r == protocol.ReasonNone {
		return ""
	}
	if w := words[r.String()]; w != "" {
		return w
	}
	return r.String()
}

// proofWords say what an answer proves, and never more.
func proofWords(a reach.Answer) string {
	words := map[protocol.Proof]string{
		protocol.ProofReceived: "đã nhận, chưa chứng minh đã phát", protocol.ProofRendered: "đã vẽ trang chữ, chưa chứng minh bảng sáng lên",
		protocol.ProofConsumed: "card âm thanh đã nhận hết tiếng", protocol.ProofShown: "bảng xác nhận đã hiện", protocol.ProofLinkUp: "đường nối tới bảng hoạt động",
		protocol.ProofSeen: "có người hoặc cảm biến nhìn thấy", protocol.ProofRecognised: "micro tại chỗ nhận ra tiếng",
	}
	switch {
	case a.Seen == nil && a.Lit:
		return words[a.Level()] + "; cảm biến đo được ánh sáng"
	case a.Seen == nil:
		return words[a.Level()]
	case a.Seen.By == reach.ByPhoto:
		return "nhìn thấy trong ảnh chụp"
	case a.Seen.By == reach.ByCamera:
		return "nhìn thấy qua máy quay"
	}
	return "ánh sáng đo được đổi đúng theo các trang"
}

// Reach implements api.Sheets: one sheet by village, one by device.
func (sheets) Reach(w io.Writer, title, author string, r reach.Report, name func(protocol.DeviceID) string, zone *time.Location) error {
	villages := sheet.Table{
		Name: "Theo thôn", Title: fmt.Sprintf("%s. Người soạn: %s. Đã phát %d/%d lần; %.0f/%d người ở nơi đã phát trọn vẹn.", title, author, r.Count.Played, r.Count.Expected, r.Reached, r.People),
		Columns: []string{"Thôn", "Số dân", "Ở nơi đã phát trọn vẹn", "Chưa rõ", "Thiết bị chưa phát và lý do"}, Widths: []float64{32, 10, 22, 10, 60},
	}
	for _, v := range r.Villages {
		var not []string
		for _, d := range v.Devices {
			switch {
			case d.Played:
			case d.Unknown:
				not = append(not, name(d.Device)+": chưa rõ")
			default:
				not = append(not, name(d.Device)+": "+reasonWords(d.Reason))
			}
		}
		villages.Rows = append(villages.Rows, []any{v.Name, v.People, v.Reached, v.Unknown, strings.Join(not, "; ")})
	}
	devices := sheet.Table{
		Name:    "Từng thiết bị",
		Columns: []string{"Thiết bị", "Loại", "Giờ phát", "Kết quả", "Lý do", "Bắt đầu", "Kết thúc", "Bằng chứng"}, Widths: []float64{32, 8, 20, 16, 36, 20, 20, 40},
	}
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).Format("2006-01-02 15:04:05")
	}
	for _, l := range r.Lines {
		medium := "tiếng"
		if l.Medium == protocol.MediumBoard {
			medium = "bảng"
		}
		row := []any{name(l.Device), medium, moment(l.Start), "Chưa rõ", "", "", "", ""}
		switch a := l.Answer; {
		case a != nil:
			row[3], row[4], row[5], row[6], row[7] = outcomeWords(a.Outcome), reasonWords(a.Reason), moment(a.Began), moment(a.Ended), proofWords(*a)
		case l.Ahead:
			row[3] = "Chưa tới giờ"
		}
		devices.Rows = append(devices.Rows, row)
	}
	return sheet.Write(w, villages, devices)
}

// joiner implements api.Joiner.
type joiner struct {
	studio *studio.Studio
	blobs  *blob.Dir
}

// Join implements api.Joiner.
func (j joiner) Join(ctx context.Context, parts []protocol.Digest) (protocol.Digest, int64, error) {
	var paths []string
	for _, p := range parts {
		path, err := j.blobs.Path(p)
		if err != nil {
			return protocol.Digest{}, 0, err
		}
		paths = append(paths, path)
	}
	whole, err := j.studio.Join(ctx, paths)
	if err != nil {
		return protocol.Digest{}, 0, refused(err, "parts")
	}
	f, err := os.Open(whole)
	if err != nil {
		return protocol.Digest{}, 0, fmt.Errorf("join: %w", err)
	}
	digest, size, err := j.blobs.Put(f, api.MaxUpload)
	return digest, size, errors.Join(err, f.Close(), os.Remove(whole))
}
