"""Pictures, depth and labels against the geometry that they were made from."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.virtual.hand import BONES, GRIPS, KEYPOINTS, keypoints
from rushes.virtual.labels import label
from rushes.virtual.motion import motion_of
from rushes.virtual.play import camera_at
from rushes.virtual.render import Picture, Pinhole, render_color, render_depth
from rushes.virtual.scene import BOARD, CUP, INSTANCES, TABLE, Scene, board_corners, scene_at
from rushes.virtual.script import CUP_HEIGHT_M, CUP_RADIUS_M, GESTURES, TABLE_TOP_M
from rushes.virtual.spec import RigSpec
from rushes.virtual.takes import CAM0, CAM1, DEPTH, gesture_spec, tabletop_spec

TAKE = tabletop_spec("picture", seed=5)


def look(rig: RigSpec, seconds: float, sensor=CAM0) -> tuple[Scene, Pinhole, Picture]:
    scene = scene_at(rig, seconds)
    camera = camera_at(motion_of(rig.motion, rig.seed), sensor, seconds)
    return scene, camera, render_color(scene, camera)


def test_the_corners_of_the_board_are_where_they_project_within_half_a_pixel() -> None:
    large = replace(CAM0, width_px=640, height_px=480, focal_px=560.0)
    _, camera, picture = look(TAKE, 0.2, large)
    expected, _ = camera.project(board_corners())
    gray = cv2.cvtColor(np.rint(picture.color).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    start = (expected + np.array([0.9, -0.8])).astype(np.float32).reshape(-1, 1, 2)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 50, 1e-3)
    found = cv2.cornerSubPix(gray, start, (4, 4), (-1, -1), stop).reshape(-1, 2)
    assert len(found) == 24
    assert np.abs(found - expected).max() < 0.5
    assert np.abs(np.mean(found - expected, axis=0)).max() < 0.1


@pytest.mark.parametrize("seconds", [0.1, 1.3, 2.7])
def test_depth_is_the_optical_z_of_the_surface(seconds: float) -> None:
    scene = scene_at(TAKE, seconds)
    camera = camera_at(motion_of(TAKE.motion, TAKE.seed), DEPTH, seconds)
    picture = render_depth(scene, camera)
    rows, columns = np.nonzero(picture.instance == TABLE)
    points = _points(camera, picture, rows, columns)
    top = np.abs(points[:, 2] - TABLE_TOP_M) < 1e-9
    assert top.mean() > 0.95, "the rest is the table's edge"
    assert len(points) > 3000
    again, z = camera.project(points)
    assert np.abs(again - np.stack([columns, rows], 1)).max() < 1e-9
    assert np.abs(z - picture.depth_m[rows, columns]).max() < 1e-9


def test_the_cup_is_a_cylinder_where_it_stands() -> None:
    rig = replace(TAKE, script="wave")
    scene, camera, picture = look(rig, 0.0)
    cup = next(shape for shape in scene.shapes if shape.instance == CUP)
    rows, columns = np.nonzero(picture.instance == CUP)
    local = _points(camera, picture, rows, columns) - cup.foot_m
    radius = np.hypot(local[:, 0], local[:, 1])
    on_side = np.abs(radius - CUP_RADIUS_M) < 1e-9
    on_top = (np.abs(local[:, 2] - CUP_HEIGHT_M) < 1e-9) & (radius <= CUP_RADIUS_M)
    on_handle = radius > CUP_RADIUS_M + 1e-9
    assert (on_side | on_top | on_handle).all()
    assert on_side.sum() > 200
    assert on_top.sum() > 100


@settings(max_examples=8)
@given(st.floats(0.0, 2.99), st.sampled_from([CAM0, CAM1]), st.sampled_from(["s01", "s02"]))
def test_visible_keypoints_lie_on_their_hand_and_boxes_hold_all_of_it(seconds, sensor, subject) -> None:
    scene, camera, picture = look(tabletop_spec("k", seed=9, subject=subject), seconds, sensor)
    labels = label(scene, camera, picture)
    boxes = {box.instance: box.box_px for box in labels.boxes}
    for hand in labels.hands:
        number = INSTANCES.index(f"hand_{hand.side}")
        for x, y in np.rint(hand.points_px[hand.visible]).astype(int):
            assert picture.instance[y, x] == number
    for name, (left, top, right, bottom) in boxes.items():
        rows, columns = np.nonzero(picture.instance == INSTANCES.index(name))
        assert (columns.min(), rows.min(), columns.max(), rows.max()) == (
            left + 0.5,
            top + 0.5,
            right - 0.5,
            bottom - 0.5,
        )


@pytest.mark.parametrize("gesture", ["wave", "point"])
def test_an_open_hand_shows_its_fingertips(gesture: str) -> None:
    rig = gesture_spec(gesture, seed=3)
    scene, camera, picture = look(rig, 0.9, rig.sensors[0])
    (hand,) = label(scene, camera, picture).hands
    assert hand.side == "right"
    assert hand.visible[KEYPOINTS.index("index_4")]
    assert hand.visible.sum() >= (19 if gesture == "wave" else 8)


@given(st.sampled_from(sorted(GRIPS)), st.floats(0.14, 0.22))
def test_a_left_hand_mirrors_a_right_one_and_bones_keep_their_length(grip: str, length: float) -> None:
    right = keypoints(GRIPS[grip].numbers(), length_m=length, side="right")
    left = keypoints(GRIPS[grip].numbers(), length_m=length, side="left")
    assert np.array_equal(left, right * [1, -1, 1])
    straight = keypoints(GRIPS["open"].numbers(), length_m=length, side="right")
    for a, b in BONES:
        assert np.linalg.norm(right[b] - right[a]) == pytest.approx(np.linalg.norm(straight[b] - straight[a]))


def test_the_cup_moves_with_the_hand_that_holds_it_and_stays_where_it_is_put() -> None:
    hold = next(r for r in _relations("hold"))
    middle = (hold.from_s + hold.to_s) / 2
    feet = {t: _foot(t) for t in (0.0, hold.from_s, middle, hold.to_s, 2.95)}
    assert feet[middle][2] > TABLE_TOP_M + 0.05
    assert np.allclose(feet[0.0], feet[hold.from_s], atol=1e-12)
    assert np.allclose(feet[hold.to_s], feet[2.95])
    assert feet[2.95][2] == pytest.approx(TABLE_TOP_M)


def test_all_that_can_be_seen_has_a_name_and_every_gesture_a_script() -> None:
    for gesture in GESTURES:
        scene = scene_at(gesture_spec(gesture, seed=1), 0.8)
        assert {shape.instance for shape in scene.shapes} <= set(range(len(INSTANCES)))
    assert INSTANCES[BOARD] == "board"


def test_the_lamp_flashes_at_the_clap_and_not_before() -> None:
    assert scene_at(TAKE, TAKE.clap_s - 1e-9).glowing is None
    assert scene_at(TAKE, TAKE.clap_s).glowing is not None
    hands = scene_at(TAKE, TAKE.clap_s).hands
    near = np.abs(hands[0].keypoints_m[0] - hands[1].keypoints_m[0])
    assert np.linalg.norm(near) < 0.04, "the wrists are a palm apart"


def _points(camera: Pinhole, picture: Picture, rows, columns) -> np.ndarray:
    rays = camera.rays(columns.astype(float), rows.astype(float))
    return camera.pose.translation + picture.depth_m[rows, columns][:, None] * rays


def _relations(verb: str):
    from rushes.virtual.script import script_of

    return [relation for relation in script_of(TAKE).relations if relation.verb == verb]


def _foot(seconds: float) -> np.ndarray:
    return next(s for s in scene_at(TAKE, seconds).shapes if s.instance == CUP).foot_m
