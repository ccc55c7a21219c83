package api

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/problem"
)

// labels are what people know the parts of a request by. What is not here is
// nothing that they type.
func labels() map[string][2]string {
	return map[string][2]string{
		"title": {"Tiêu đề", "Title"}, "text": {"Nội dung", "Text"}, "board": {"Chữ trên bảng", "Text for boards"}, "name": {"Tên", "Name"}, "reason": {"Lý do", "Reason"},
		"night_reason": {"Lý do phát trong giờ yên tĩnh", "Reason for the night"}, "password": {"Mật khẩu", "Password"}, "old_password": {"Mật khẩu cũ", "Old password"},
		"registrar_password": {"Mật khẩu của người giữ sổ đăng ký", "The registrar's password"}, "code": {"Mã xác thực", "Code"}, "user": {"Tên đăng nhập", "User name"},
		"id": {"Mã hoặc tên đăng nhập", "Id or user name"}, "volume": {"Âm lượng", "Volume"}, "units": {"Nơi phát", "Where it is aired"}, "unit": {"Đơn vị", "Unit"}, "items": {"Thứ tự phát", "Order"},
		"members": {"Các xã trong nhóm", "Communes of the group"}, "deadline": {"Hạn trả lời", "Answer until"}, "start": {"Giờ bắt đầu", "Start"}, "minutes": {"Khung giờ dài", "Length of the slot"},
		"plays_per_day": {"Số lần một ngày", "Plays a day"}, "share": {"Phần dân", "Share"}, "grants": {"Quyền", "Rights"}, "file": {"Tệp", "File"}, "lux": {"Độ sáng", "Light"},
	}
}

var (
	lacking = regexp.MustCompile(`^expected required property (\w+) to be present`)
	bound   = regexp.MustCompile(`^expected (length|number|array length) ([<>])=? (\d+)`)
)

// unfit says which part of a form breaks the schema, and how, in words of people;
// what they never typed stays as general as said is.
func unfit(said *problem.Problem, d *huma.ErrorDetail) *problem.Problem {
	if d == nil {
		return said
	}
	field, vi, en := d.Location[strings.LastIndex(d.Location, ".")+1:], "chưa đúng", "is not right"
	if m := lacking.FindStringSubmatch(d.Message); m != nil {
		field, vi, en = m[1], "còn trống", "is empty"
	}
	if m := bound.FindStringSubmatch(d.Message); m != nil {
		unit := map[string][3]string{
			"length": {" ký tự", "have ", " characters"}, "array length": {" mục", "have ", " entries"}, "number": {"", "be ", ""},
		}[m[1]]
		if m[2] == "<" {
			vi, en = "tối đa "+m[3]+unit[0], "may "+unit[1]+m[3]+unit[2]+" at most"
		} else {
			vi, en = "phải từ "+m[3]+unit[0]+" trở lên", "must "+unit[1]+m[3]+" or more"+unit[2]
		}
	}
	field, _, _ = strings.Cut(field, "[")
	label, known := labels()[field]
	if !known {
		return said
	}
	return problem.New(said.Kind, said.Code, field, fmt.Sprintf("Mục “%s” %s. Hãy sửa rồi gửi lại.", label[0], vi), fmt.Sprintf("“%s” %s. Correct it and send it again.", label[1], en))
}
