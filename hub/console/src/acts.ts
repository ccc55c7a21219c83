// The words of the record of acts: the hub records in one set of fixed words.
import { lang, unitName } from "./state";

const acts: Record<string, string> = {
  "airing made": "Xếp lịch phát", "airing withdrawn": "Rút lịch phát", "alert seen": "Đã xem cảnh báo", "all-clear prepared": "Chuẩn bị lời báo hết", "board seen": "Xác nhận bảng đã hiện",
  "bulletin approved": "Ký duyệt bản tin", "bulletin changed": "Bản tin đổi trạng thái", "bulletin returned": "Trả lại bản tin", "bulletin revised": "Sửa bản tin", "bulletin submitted": "Gửi duyệt bản tin", "bulletin written": "Soạn bản tin",
  "claim made": "Tạo mã ghi danh", "deputy ended": "Chấm dứt người thay", "deputy named": "Cử người thay", "device added": "Thêm thiết bị", "device enrolled": "Ghi danh thiết bị", "device muted": "Tắt tiếng thiết bị", "device photographed": "Chụp ảnh thiết bị", "device placed": "Đổi nơi đặt thiết bị", "device revoked": "Thu hồi thiết bị", "device unmuted": "Bật tiếng thiết bị",
  "group saved": "Lưu nhóm xã", "hub initialised": "Khởi tạo trung tâm", "hub restored": "Phục hồi trung tâm", "identity first used": "Dùng tài khoản ngoài lần đầu", "identity linked": "Gắn tài khoản ngoài", "identity unlinked": "Gỡ tài khoản ngoài", "limits set": "Đặt giới hạn theo giờ",
  "log-in by passkey begun": "Dùng khoá để đăng nhập", "log-in by passkey ended": "Thôi dùng khoá để đăng nhập", "log-in refused": "Từ chối đăng nhập", "logged in": "Đăng nhập", "map drawn": "Vẽ bản đồ", "material exported": "Xuất hồ sơ kiểm tra", "passkey confirmed": "Xác nhận khoá", "passkey registered": "Tạo khoá", "passkey revoked": "Thu hồi khoá", "passkeys demanded": "Yêu cầu dùng khoá",
  "password changed": "Đổi mật khẩu", "password reset": "Đặt lại mật khẩu", "person added": "Thêm người", "person disabled": "Khoá tài khoản", "personal data erased": "Xoá dữ liệu cá nhân", "picture uploaded": "Tải ảnh lên", "programme answered": "Trả lời chương trình", "programme saved": "Lưu chương trình", "programme withdrawn": "Rút chương trình", "pronunciations set": "Sửa cách đọc",
  "quiet hours set": "Đặt giờ yên tĩnh", "recovery code used": "Dùng mã dự phòng", "roles set": "Đổi quyền", "second factor demanded": "Yêu cầu xác thực hai lớp", "second factor ended": "Tắt xác thực hai lớp", "second factor set up": "Bật xác thực hai lớp", "session ended": "Kết thúc một phiên", "sessions ended": "Kết thúc các phiên", "sound uploaded": "Tải tiếng lên",
  "stop taken back": "Hoàn tác lệnh dừng", stopped: "Dừng phát", "template deleted": "Xoá mẫu khẩn cấp", "template saved": "Lưu mẫu khẩn cấp", "test tone asked for": "Phát tiếng thử", "token made": "Tạo mã API", "token revoked": "Thu hồi mã API", "units imported": "Nhập đơn vị",
};

const fields: Record<string, string> = {
  accepted: "nhận", anonymous: "ẩn danh", board_zone: "vùng trên bảng", expires: "hết hạn", for: "thay cho", id: "mã", lists: "danh sách ký lại", places: "nơi đặt ký lại", populations: "số dân ký lại", revision: "bản số", scope: "phạm vi", signature: "chữ ký", signatures: "chữ ký", until: "đến hết",
  account: "tài khoản hệ thống", address: "địa chỉ", airing: "lịch phát", approval: "duyệt", "as of": "tính đến", bulletin: "bản tin", by: "bởi", bytes: "số byte", cancels: "báo hết cho", class: "loại", content: "nội dung", counted: "thôn có số dân", added: "thêm", changed: "thay đổi", digest: "dấu", from: "từ", geojson: "bản đồ", identity: "tài khoản ngoài", layout: "trình bày", members: "các xã", accept: "không trả lời là nhận", slot: "khung giờ", group: "nhóm", items: "các mục", unit: "đơn vị", role: "vai trò", device: "thiết bị", key: "khoá", kind: "loại", n: "số lượng", limits: "giới hạn", name: "tên",
  number: "số", photo: "ảnh", picture: "ảnh", quiet: "giờ yên tĩnh", reason: "lý do", replaces: "thay cho", rule: "lặp", start: "bắt đầu", state: "trạng thái", statement: "nội dung ký", text: "chữ", title: "tiêu đề", to: "đến", way: "cách", person: "người",
};

const states: Record<string, string> = {
  true: "có", false: "không", normal: "thông thường", priority: "ưu tiên", emergency: "khẩn cấp", preparing: "đang tạo tiếng", ready: "chưa gửi", submitted: "chờ duyệt", returned: "trả lại", approved: "đã duyệt", failed: "lỗi", granted: "được giao", photo: "ảnh chụp", camera: "máy quay", light: "cảm biến", notice: "thông báo", password: "mật khẩu", passkey: "khoá", provider: "tài khoản ngoài",
};

const roles: Record<string, string> = { editor: "soạn bản tin", approver: "duyệt", operator: "vận hành", administrator: "quản trị", auditor: "thanh tra", technician: "kỹ thuật viên" };

const known = (list: Record<string, string>, word: string): string => (lang.value === "en" ? word : (list[word] ?? word));

/** actName is what was done, in words. */
export const actName = (act: string): string => {
  const s = known(acts, act);
  return s.charAt(0).toUpperCase() + s.slice(1);
};
/** allActs are the acts that can be asked for, by their words. */
export const allActs = (): [string, string][] => Object.keys(acts).map((a): [string, string] => [a, actName(a)]).sort((a, b) => a[1].localeCompare(b[1], lang.value));

/** long are values that say nothing to people, shortened. */
const short = (v: string): string => (/^[0-9a-f]{32,64}$/.test(v) ? v.slice(0, 10) + "…" : v);

/** placed is the name of a value, which for rights is a unit and a role. */
function placed(name: string): string {
  const [unit, role] = name.split("/");
  return unit && role && role in roles ? `${unitName(unit)}, ${known(roles, role)}` : known(fields, name);
}

/** fieldText is a value of a record with its name; called is what its ids are called. */
export const fieldText = (name: string, value: string, called?: string): string => {
  const v = value.replace(/^\[|\]$/g, "");
  return `${placed(name)}: ${called ? `${called} (${v})` : short(known(states, v))}`;
};
