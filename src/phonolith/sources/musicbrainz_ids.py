"""Ids that MusicBrainz gives to the words of its closed lists: with the word in a column the id needs no place."""

from __future__ import annotations

from collections.abc import Mapping

FORMATS = {
    "CD": "9712d52a-4509-3d4b-a1a2-67c88c643e31",
    "Format": "52014420-cae8-11de-8a39-0800200c9a26",
    "Enhanced CD": "8a08dc62-1aa2-34de-a904-fa467c53052c",
    '12" Vinyl': "3e9080b0-5e6c-34ab-bd15-f526b6306a64",
    "DVD-Video": "bb71fd58-ff93-32b4-a201-4ad1b2a80e5f",
    "Blu-ray": "c693c05b-3316-3d69-afc2-5e2bc455bffc",
    "Cassette": "f5e6e254-8f39-331c-936b-9c69d686dc47",
}
GENDERS = {"Female": "93452b5a-a947-30c8-934f-6a4056b151c2", "Male": "36d3d30a-839d-3eda-8cb3-29be4384e4a9"}
PACKAGING = {
    "Cardboard/Paper Sleeve": "f7101ce3-0384-39ce-9fde-fbbd0044d35f",
    "Gatefold Cover": "e724a489-a7e8-30a1-a17c-30dfd6831202",
    "Other": "815b7785-8284-3926-8f04-e48bc6c4d102",
    "Jewel Case": "ec27701a-4a22-37f4-bfac-6616e0f9750a",
    "Cassette Case": "c70b737a-0114-39a9-88f7-82843e54f906",
    "Digipak": "8f931351-d2e2-310f-afc6-37b89ddba246",
}
STATUSES = {
    "Official": "4e304316-386d-3409-af2e-78857eec5cfe",
    "Bootleg": "1156806e-d06a-38bd-83f0-cf2284a808b9",
    "Pseudo-Release": "41121bb9-3413-3818-8a9a-9742318349aa",
}
PRIMARY = {"Album": "f529b476-6e62-324f-b0aa-1f3e33d313fc", "Single": "d6038452-8ee0-3f68-affc-2de9a1ede0b9"}
SECONDARY = {"Remix": "0c60f497-ff81-3818-befd-abfc84a4858b"}

#: Types by kind of entity.
TYPES: Mapping[str, Mapping[str, str]] = {
    "artist": {
        "Person": "b6e035f4-3ce9-331c-97df-83397230b0df",
        "Group": "e431f5f6-b5d2-343d-8b36-72607fffb74b",
        "Orchestra": "a0b36c92-3eb1-3839-a4f9-4799823f54a5",
        "Character": "5c1375b0-f18d-3db7-a164-a49d7a63773f",
        "Other": "ac897045-5043-3294-969b-187360e45d86",
    },
    "label": {"Original Production": "7aaa37fe-2def-3476-b359-80245850062d"},
    "work": {"Song": "f061270a-2fd6-32f1-a641-f0f8676d14e6", "Soundtrack": "66d7962b-6377-364f-a0b4-b200febc510e"},
    "area": {"Subdivision": "fd3d44c5-80a1-3842-9745-2c4972d35afa"},
    "place": {"Venue": "cd92781a-a73f-30e8-a430-55d7521338db"},
    "event": {
        "Festival": "b6ded574-b592-3f0e-b56e-5b5f06aa0678",
        "Concert": "ef55e8d7-3d00-394a-8012-f5506a29ff0b",
    },
    "series": {
        "Release group series": "4c1c4949-7b6c-3a2d-9d54-a50a27e4fa77",
        "Release series": "52b90f1e-ff62-3bd0-b254-5d91ced5d757",
        "Catalogue": "49482ff0-fc9e-3b8c-a2d0-30e84d9df002",
    },
    "alias": {
        "Search hint": "1937e404-b981-3cb7-8151-4c86ebfc8d8e",
        "Artist name": "894afba6-2816-3c24-8072-eadb66bd04bc",
        "Legal name": "d4dcd0c0-b341-3612-a332-c0ce797b25cf",
    },
}

#: Types of relations by the two kinds of entity, in alphabetical order, and the word.
RELATIONS = {
    "artist artist member of band": "5be4c609-9afa-4ea0-910b-12ffb71e3821",
    "artist event main performer": "936c7c95-3156-3889-a062-8a0cd57f8946",
    "artist recording animation": "fd33dadb-a588-40f4-8055-32373f1bd19b",
    "artist recording arranger": "22661fb8-cdb7-4f67-8385-b2a8be6c9f0d",
    "artist recording conductor": "234670ce-5f22-4fd0-921b-ef1662695c5d",
    "artist recording engineer": "5dcc52af-7064-4051-8d62-7d80f4c3c907",
    "artist recording illustration": "0c73d6e6-d741-4098-9d74-e8da0c63fe14",
    "artist recording instrument": "59054b12-01ac-43ee-a618-285fd397e461",
    "artist recording mix": "3e3102e1-1896-4f50-b5b2-dd9824e46efe",
    "artist recording performer": "628a9658-f54c-4142-b0c0-95f031b544da",
    "artist recording performing orchestra": "3b6616c5-88ba-4341-b4ee-81ce1e6d7ebb",
    "artist recording producer": "5c0ceac3-feb4-41f0-868d-dc06f6e27fc0",
    "artist recording sound": "0cd6aa63-c297-42ed-8725-c16d31913a98",
    "artist recording video director": "578ee04d-3227-4335-ba2c-11e8ba420e0b",
    "artist recording vocal": "0fdbe3c6-7700-4a31-ae54-b53f06ae1cfa",
    "artist release art direction": "f3b80a09-5ebf-4ad2-9c46-3e6bce971d1b",
    "artist release design/illustration": "307e95dd-88b5-419b-8223-b146d4a0d439",
    "artist release editor": "f30c29d3-a3f1-420d-9b6c-a750fd6bc2aa",
    "artist release mastering": "84453d28-c3e8-4864-9aae-25aa968bcf9e",
    "artist release mix-DJ": "9162dedd-790c-446c-838e-240f877dbfe2",
    "artist release photography": "0b58dc9b-9c49-4b19-bb58-9c06d41c8fbf",
    "artist release producer": "8bf377ba-8d71-4ecc-97f2-7bb2d8a2a75f",
    "artist release remixer": "ac6a86db-f757-4815-a07e-744428d2382b",
    "artist url IMDb": "94c8b0cc-4477-4106-932c-da60e63de61c",
    "artist url blog": "eb535226-f8ca-499d-9b18-6a144df4ae6f",
    "artist url discogs": "04a5b104-a4c2-4bac-99a1-7b837c37d9e4",
    "artist url image": "221132e9-e30e-43f2-a741-15afc4c5fa7c",
    "artist url online community": "35b3a50f-bf0e-4309-a3b4-58eeed8cee6a",
    "artist work composer": "d59d99ea-23d4-4a80-b066-edca32ee158f",
    "artist work lyricist": "3e48faba-ec01-47fd-8e89-30e81161661c",
    "artist work writer": "a255bca1-b157-4518-9108-7b147dc3fc68",
    "event place held at": "e2c6f697-07dc-38b1-be0b-83d740165532",
    "recording recording DJ-mix": "451076df-61cf-46ab-9921-555cab2f050d",
    "recording recording music video": "ce3de655-7451-44d1-9224-87eb948c205d",
    "recording release samples material": "967746f9-9d79-456c-9d1e-50116f0b27fc",
    "recording url free streaming": "7e41ef12-a124-4324-afdb-fdbae687a89c",
    "recording url other databases": "bc21877b-e993-42ed-a7ce-9187ec9b638f",
    "recording work performance": "a3005666-a872-32c3-ad06-98af558e99b0",
    "release release transl-tracklisting": "fc399d47-23a7-4c28-bfcf-0607a562b644",
    "release series part of": "3fa29f01-8e13-3e49-9b0a-ad212aa2f81d",
    "release url discogs": "4a78823c-1c53-4176-a5f3-58026c76f2bc",
    "release-group series part of": "01018437-91d8-36b9-bf89-3f885d53b5bd",
    "url work lyrics": "e38e65aa-75e0-42ba-ace0-072aeb91a538",
    "url work wikidata": "587fdd8f-080e-46a9-97af-6425ebbcb3a2",
    "work work arrangement": "51975ed8-bbfa-486b-9f28-5947f4370299",
    "work work other version": "7440b539-19ab-4243-8c03-4f5942ca2218",
    "work work parts": "ca8d3642-ce5f-49f8-91f2-125d72524e6a",
}
